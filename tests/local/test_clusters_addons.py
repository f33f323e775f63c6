"""Add-ons started and ended as asked, recognised by what runs."""

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.cluster import ClusterSpec, NodePool
from local import clusters_addons
from local.clusters_addons import AddonError, Addons
from local.clusters_api import ApiError
from local.clusters_block import Block
from local.clusters_state import ClusterFiles
from runtime.processes import end_processes, is_alive, marked_processes

POOL = NodePool(name="ads", nodes=1, runtime="kwok", traffic_class="public", nodes_max=3)
NET = Block(base=96, id="1a2b").site("public")


class Server:
    """Remembers which objects were applied."""

    def __init__(self) -> None:
        self.there: set[str] = set()

    def ask(self, method: str, path: str, *, body: object = None, content: str = "") -> bytes:
        name = path.partition("?")[0]
        if method == "PATCH":
            self.there.add(name)
        elif name not in self.there:
            raise ApiError("absent", status=404)
        else:
            self.there.remove(name)
        return b"{}"


def spec(*, metrics: bool, prometheus: bool, pools: tuple[NodePool, ...] = ()) -> ClusterSpec:
    return ClusterSpec(
        environment="dev", site="public", pools=pools, metrics=metrics, prometheus=prometheus
    )


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ClusterFiles]:
    found = ClusterFiles(tmp_path, "dev", "public")
    found.make()
    yield found
    end_processes(marked_processes(found.mark), signum=signal.SIGKILL, grace_s=5)


@pytest.fixture
def addons(files: ClusterFiles, monkeypatch: pytest.MonkeyPatch) -> Addons:
    """Whose programs sleep, outside of any namespace."""
    sleep = shutil.which("sleep")
    assert sleep
    engines = files.home / "bin"
    engines.mkdir()
    for name in ("metrics-server", "prometheus"):
        shutil.copy(sleep, engines / name)
    scaler = (sys.executable, "-c", "import time; time.sleep(60)", "local.clusters_scaler")
    monkeypatch.setattr(
        clusters_addons,
        "command",
        lambda name, *_, **__: scaler if name == "scaler" else (str(engines / name), "60"),
    )
    monkeypatch.setattr(clusters_addons, "inside", lambda _, *command: command)
    return Addons(files, NET, engines=engines)


def test_exactly_what_is_asked_for_runs_and_nothing_twice(addons: Addons) -> None:
    """Asked again nothing changes; asked for less the others end."""
    server = Server()
    everything = spec(metrics=True, prometheus=True, pools=(POOL,))
    addons.ensure(everything, server)
    first = addons.running()
    assert set(first) == {"metrics-server", "prometheus", "scaler"}
    addons.ensure(everything, server)
    assert addons.running() == first
    addons.ensure(spec(metrics=False, prometheus=True), server)
    assert addons.running() == {"prometheus": first["prometheus"]}
    assert not is_alive(first["scaler"])


def test_one_that_died_is_started_again(addons: Addons) -> None:
    """The next apply finds it missing."""
    server = Server()
    addons.ensure(spec(metrics=True, prometheus=False), server)
    end_processes(addons.running().values(), signum=signal.SIGKILL, grace_s=5)
    addons.ensure(spec(metrics=True, prometheus=False), server)
    assert set(addons.running()) == {"metrics-server"}
    addons.check(spec(metrics=True, prometheus=False))


def test_one_that_ends_at_once_is_named(addons: Addons) -> None:
    """A program that does not like what it is told is not left for somebody to miss later."""
    with pytest.raises(AddonError, match=r"prometheus of is1a2b-pub has ended.*prometheus\.log"):
        addons.check(spec(metrics=False, prometheus=True))


def test_the_metrics_api_is_there_only_with_metrics_server(addons: Addons) -> None:
    """An aggregated API without its server breaks every discovery."""
    server = Server()
    addons.ensure(spec(metrics=True, prometheus=False), server)
    assert any("apiservices" in it for it in server.there)
    addons.ensure(spec(metrics=False, prometheus=False), server)
    addons.ensure(spec(metrics=False, prometheus=False), server)
    assert server.there == set()


def test_prometheus_leaves_no_data_when_it_is_not_asked_for(
    addons: Addons, files: ClusterFiles
) -> None:
    """Its series go with it; its configuration was written before it started."""
    server = Server()
    addons.ensure(spec(metrics=False, prometheus=True), server)
    assert (files.site / "prometheus.yaml").is_file()
    (files.site / "prometheus").mkdir()
    addons.ensure(spec(metrics=False, prometheus=False), server)
    assert not (files.site / "prometheus").exists()
