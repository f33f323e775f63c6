"""What a run is judged on, found in a cloud's state."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.demo_place import FactError, embedded, pages
from contracts.cloud import CloudState, ProcessRecord, Role
from tests.cli.places import place

ENDPOINTS = (
    "core", "edge", "core.probe", "edge.probe", "core.evidence", "edge.evidence", "link.control",
    "tap.control", "ledger.dsn", "warehouse.dsn",
)  # fmt: skip


def record(name: str, site: str, role: Role, pid: int) -> ProcessRecord:
    return ProcessRecord(
        name=name, role=role, site=site, pid=pid, start_ticks=1, argv=(), environ={}, cwd="/",
        log=f"/logs/{name}", ready="",
    )  # fmt: skip


STATE = CloudState(
    id="x", root="/cloud", temporary="", owner_pid=1, owner_start_ticks=1, keep=False,
    policy="/p.yaml", topology="", endpoints={name: f"/{name}" for name in ENDPOINTS},
    processes=(
        record("ad-1", "public", "ads", 11), record("ads-private", "private", "ads", 12),
        record("router-core", "private", "router", 13), record("router-edge", "public", "router", 14),
    ),
)  # fmt: skip


def test_the_embedded_cloud_is_found_in_its_state() -> None:
    """Doors, routers, taps, stores; ad nodes are the public ones, and only public processes' logs are public."""
    found = embedded(STATE)
    assert (found.core, found.edge, found.mark) == ("/core", "/edge", "/cloud")
    assert found.router_pids == (13, 14)
    assert found.taps == (Path("/link.control"), Path("/tap.control"))
    assert found.ad_nodes == 1
    assert Path("/logs/ad-1") in found.public
    assert Path("/logs/ads-private") not in found.public
    assert found.bridge_settings == Path("/cloud/settings/bridge.json")


def test_public_files_are_all_that_hold_something(tmp_path: Path) -> None:
    """Files that are named are always looked at; in directories links and empty files are left out."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "log").write_text("x")
    (tmp_path / "data" / "empty").touch()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "data" / "log")
    named = tmp_path / "gone.log"
    found = list(place(public=(named, tmp_path / "data")).public_files())
    assert found == [named, tmp_path / "data" / "log"]


@pytest.fixture
def probe() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"page")

        def log_message(self, *_: object) -> None:
            return

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_every_router_is_asked_for_its_page(probe: str) -> None:
    """In the order of their addresses."""
    assert pages((probe, probe)) == ["page", "page"]


def test_a_router_that_does_not_answer_is_an_error_with_its_address() -> None:
    """The message names where nobody answered."""
    with pytest.raises(FactError, match=r"127\.0\.0\.1:1"):
        pages(("127.0.0.1:1",))
