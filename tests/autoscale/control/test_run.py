"""The process: two replicas, one writer; what dies, hands over; what is lost, ends."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from autoscale.control.clock import SystemClock
from autoscale.control.run import LOST, Process, Ways, duties_of
from autoscale.control.settings import AutoscaleSettings, LeaseTerms, PoolSettings
from autoscale.kube.ports import Answer, Ask, UnreachableError
from runtime.ready import read_ready
from tests.autoscale.control.fake_api import FakeApi, status
from tests.autoscale.control.fake_shop import HPA, PROMO, FakeSources, Shop

LEASE = "/apis/coordination.k8s.io/v1/namespaces/isthmus/leases/autoscale"


class Now(SystemClock):
    """The shop's objects are of today here."""


class Replica:
    """A process in a thread, and what it ended with."""

    def __init__(self, api: FakeApi, **changes: Any) -> None:
        self.ended: list[int] = []
        settings = AutoscaleSettings(
            pools=(PoolSettings(name="ads", maximum=9),), resync_s=1,
            lease=LeaseTerms(duration_s=2, renew_s=1.2, retry_s=0.2), **changes,
        )  # fmt: skip
        self.process = Process(settings, Ways(api, SystemClock(), FakeSources(), self.ended.append))
        self.code: list[int] = []
        self.thread = threading.Thread(target=lambda: self.code.append(self.process.run()))
        self.thread.start()

    def stop(self) -> None:
        self.process.stop()
        self.thread.join(15)
        assert not self.thread.is_alive()


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    made.clock.at = SystemClock().now()
    yield made
    made.api.closed.set()


@pytest.fixture
def replicas(shop: Shop) -> Iterator[Callable[..., Replica]]:
    made: list[Replica] = []

    def start(**changes: Any) -> Replica:
        made.append(Replica(shop.api, **changes))
        return made[-1]

    yield start
    shop.api.closed.set()
    for one in made:
        one.stop()


def eventually(condition: Callable[[], bool], within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def holder(shop: Shop) -> str:
    return shop.api.objects.get(LEASE, {}).get("spec", {}).get("holderIdentity", "")


def test_of_two_replicas_one_writes_and_the_other_takes_over(
    shop: Shop, replicas: Callable[..., Replica]
) -> None:
    """Stopped, the first lets go at once; the second goes on with what is stored."""
    one = replicas(identity="one")
    eventually(lambda: holder(shop) == "one")
    replicas(identity="two")
    shop.promote(start_s=300, lead="10m", nodes=[])
    eventually(lambda: shop.floor > 4)
    assert holder(shop) == "one"
    began = time.monotonic()
    one.stop()
    eventually(lambda: holder(shop) == "two")
    assert time.monotonic() - began < 5
    assert (one.code, one.ended) == ([0], [])
    assert shop.api.get(PROMO)["status"]["baselines"][0]["floor"] == 4


def test_losing_the_lease_in_the_middle_of_a_write_ends_the_process(
    shop: Shop, replicas: Callable[..., Replica]
) -> None:
    """Somebody else's name stands in it: not one write more, and the exit code says why."""
    one = replicas(identity="one")
    eventually(lambda: holder(shop) == "one")
    taken: list[int] = []

    def steal(ask: Ask) -> None:
        if ask.path == HPA and not taken:
            taken.append(len(shop.api.writes))
            shop.api.edit(LEASE, lambda it: it["spec"].update(holderIdentity="other"))
            eventually(lambda: bool(one.ended))

    shop.api.after = steal
    shop.promote(start_s=300, lead="10m", nodes=[])
    eventually(lambda: bool(one.ended))
    eventually(lambda: not one.thread.is_alive())
    assert LOST in one.ended
    late = [ask for ask in shop.api.writes[taken[0] :] if ask.path != LEASE]
    assert late == []


def test_an_api_server_that_is_not_there_yet_is_waited_for(
    shop: Shop, replicas: Callable[..., Replica]
) -> None:
    """The process is up, says it is not ready, and works once it can."""
    real = shop.api.ask

    def gone(ask: Ask, *, timeout_s: float) -> Answer:
        raise UnreachableError("no route to host")

    shop.api.ask = gone  # type: ignore[method-assign]
    replicas(identity="one")
    time.sleep(0.1)
    assert holder(shop) == ""
    shop.api.ask = real  # type: ignore[method-assign]
    eventually(lambda: holder(shop) == "one")


def test_a_pass_that_fails_scales_nothing_down_and_is_counted(
    shop: Shop, replicas: Callable[..., Replica], tmp_path: Any
) -> None:
    """Whatever it was: the floor stays, the next pass may go better; probes and metrics tell."""
    ready = tmp_path / "ready.json"
    one = replicas(identity="one", ready=str(ready))
    shop.promote(start_s=300, lead="10m", nodes=[])
    eventually(lambda: shop.floor > 4)
    raised = shop.floor
    found = read_ready(ready)
    assert found is not None
    pool = urllib3.PoolManager(retries=False)
    base = f"http://{found.addresses['probe']}"
    assert pool.request("GET", f"{base}/readyz").status == 200
    one.process._ways.sources.demand = None  # type: ignore[union-attr]
    shop.api.edit(PROMO, lambda it: it["spec"].update(type="other"))

    def crashed() -> bool:
        return (
            b"isthmus_autoscale_pass_failures_total 0.0"
            not in pool.request("GET", f"{base}/metrics").data
        )

    eventually(crashed)
    assert shop.floor == raised
    assert pool.request("GET", f"{base}/healthz").status == 200
    pool.clear()


def test_a_server_full_of_errors_is_survived(shop: Shop, replicas: Callable[..., Replica]) -> None:
    """500 for two seconds on everything: longer than the lease lasts, so the process ends rather than guesses."""
    one = replicas(identity="one")
    eventually(lambda: holder(shop) == "one")
    shop.api.before = lambda ask: status(500, "InternalError", "no")
    eventually(lambda: LOST in one.ended)
    shop.api.before = lambda ask: None
    replicas(identity="two")
    eventually(lambda: holder(shop) == "two")


def test_the_settings_of_pools_become_terms_and_shapes() -> None:
    """Each strategy by its means; what is not said has a default."""
    settings = AutoscaleSettings(
        pools=(
            PoolSettings(name="a", strategy="capacity-buffer"), PoolSettings(name="b", strategy="fixed"),
            PoolSettings(name="c", requests={"cpu": "3"}, maximum=5), PoolSettings(name="d", strategy="placeholder"),
        )
    )  # fmt: skip
    duties = duties_of(settings)
    terms = duties.terms.pools
    assert [terms[name].means for name in "abcd"] == [
        "buffer",
        "placeholder",
        "auto",
        "placeholder",
    ]
    assert (terms["b"].fixed, terms["c"].maximum) == (True, 5)
    assert duties.shape("c").requests == {"cpu": "3"}
    assert duties.shape("unknown").requests == {"cpu": "1m", "memory": "1Mi"}
