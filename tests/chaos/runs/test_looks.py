"""Twin of chaos/runs/looks.py: against a small HTTP server, a broker stand-in and real processes."""

import http.server
import json
import signal
import threading
from collections.abc import Iterator, Mapping

import pytest

from chaos.cloud import CloudError
from chaos.runs import looks
from chaos.runs.session import CLOUD
from runtime.processes import is_running, signal_process
from tests.chaos.stage import HOST, Stage, answering, eventually, state_of


class Door(http.server.BaseHTTPRequestHandler):
    """Answers as the server it belongs to says."""

    def do_GET(self) -> None:
        if self.path == "/readyz":
            self.say(200, json.dumps({"policy": self.server.policy}).encode())
        else:
            self.say(self.server.ads)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.say(self.server.orders if self.path == "/orders" else self.server.clicks)

    def say(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Isthmus-Served-By", self.server.served_by)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Quiet."""


class Doors(http.server.ThreadingHTTPServer):
    ads, orders, clicks, served_by, policy = 200, 201, 202, "private/orders-1", "p1"
    request_queue_size = 64


@pytest.fixture
def doors(set_stage: Stage) -> Iterator[Doors]:
    with Doors((HOST, 0), Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"{HOST}:{server.server_address[1]}"
        for name in ("core", "edge", "core.probe", "edge.probe"):
            set_stage.endpoint(name, address)
        set_stage.save()
        yield server
        server.shutdown()


@pytest.fixture
def configuration(set_stage: Stage) -> Mapping[str, object]:
    return {CLOUD: str(set_stage.path)}


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy test machine is not what is looked at."""
    for limit in ("ADS_S", "CLICKS_S", "ORDERS_S"):
        monkeypatch.setattr(looks, limit, 5.0)


def test_ads_are_all_answered_or_not(doors: Doors, configuration: Mapping[str, object]) -> None:
    """A status other than 200 is no ad."""
    assert looks.ads_answer(configuration, "core", requests=3)
    doors.ads = 503
    assert not looks.ads_answer(configuration, "edge")


def test_an_order_has_to_stay_private(doors: Doors, configuration: Mapping[str, object]) -> None:
    """Taken by a public node is worse than not taken: both are a no."""
    assert looks.orders_stay_private(configuration)
    doors.served_by = "public/ad-1"
    assert not looks.orders_stay_private(configuration)
    doors.served_by, doors.orders = "private/orders-1", 503
    assert not looks.orders_stay_private(configuration)


def test_a_click_is_taken_when_it_is_acknowledged(
    doors: Doors, configuration: Mapping[str, object]
) -> None:
    """202 and nothing else."""
    assert looks.clicks_are_taken(configuration, "edge")
    doors.clicks = 200
    assert not looks.clicks_are_taken(configuration, "edge")


def test_without_a_bridge_no_click_reaches_the_warehouse(
    set_stage: Stage, doors: Doors, configuration: Mapping[str, object]
) -> None:
    """A bridge that is not there is an answer, not a look that failed."""
    set_stage.endpoint("bridge.control", str(set_stage.root / "none.sock"))
    set_stage.save()
    assert not looks.clicks_reach_the_warehouse(configuration)


def test_routers_agree_when_they_have_one_policy(
    doors: Doors, configuration: Mapping[str, object]
) -> None:
    """A router that does not say is no agreement."""
    assert looks.routers_agree_on_the_policy(configuration)
    doors.policy = ""
    assert not looks.routers_agree_on_the_policy(configuration)


def test_a_door_is_shut_when_it_refuses(
    set_stage: Stage, doors: Doors, configuration: Mapping[str, object]
) -> None:
    """Somebody who listens there is not shut."""
    assert not looks.door_is_shut(configuration, "edge")
    set_stage.endpoint("edge", f"{HOST}:1")
    set_stage.save()
    assert looks.door_is_shut(configuration, "edge")


def test_a_broker_serves_when_it_answers(
    set_stage: Stage, configuration: Mapping[str, object]
) -> None:
    """Asked for its versions."""
    with answering() as broker:
        set_stage.endpoint("kafka.public", "{}:{}".format(*broker.getsockname()))
        set_stage.save()
        assert looks.broker_serves(configuration, "public")
    set_stage.endpoint("kafka.public", f"{HOST}:1")
    set_stage.save()
    assert not looks.broker_serves(configuration, "public")


def test_dead_and_stopped_processes_do_not_run(
    set_stage: Stage, configuration: Mapping[str, object]
) -> None:
    """A share of those on record; of a role nobody has, none run."""
    for n in range(4):
        set_stage.node(f"ad-{n}")
    set_stage.save()
    assert looks.processes_run(configuration, "ads", "public")
    dead, grey = set_stage.cloud.named("ad-0"), set_stage.cloud.named("ad-1")
    signal_process(dead.pid, dead.start_ticks, signal.SIGKILL)
    signal_process(grey.pid, grey.start_ticks, signal.SIGSTOP)
    eventually(lambda: not is_running(dead.pid, dead.start_ticks) and state_of(grey) == "T")
    assert looks.processes_run(configuration, "ads", "public", share_min=0.5)
    assert not looks.processes_run(configuration, "ads", "public", share_min=0.6)
    assert not looks.processes_run(configuration, "clicks", "public", share_min=0.0)


def test_what_cannot_be_looked_at_raises(
    set_stage: Stage, configuration: Mapping[str, object]
) -> None:
    """An endpoint the cloud does not have is a mistake of the experiment, not an answer of the system."""
    set_stage.save()
    with pytest.raises(CloudError, match="expected endpoint core"):
        looks.ads_answer(configuration, "core")
