"""Reading the places that each know a part of a run."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import demo_sources
from cli.demo_sources import Counts, FactError, poll, read_lines
from contracts.history import LedgerRow

ROW = b'{"key":"k","order_id":"o","body_sha":"s"}\n'
METRICS = b"""# HELP isthmus_router_decisions Decisions.
# TYPE isthmus_router_decisions counter
isthmus_router_decisions_total{kind="sensitive"} 3
isthmus_router_decisions_total{kind="raised"} 4
# HELP isthmus_router_guard_blocks Blocks.
# TYPE isthmus_router_guard_blocks counter
isthmus_router_guard_blocks_total 1
"""


@pytest.fixture
def probe() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(METRICS)))
            self.end_headers()
            self.wfile.write(METRICS)

        def log_message(self, *_: object) -> None:
            return

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_counters_are_summed_over_their_labels(probe: str) -> None:
    """Three sensitive and four raised decisions are seven decisions."""
    found = demo_sources._metrics(probe)
    assert found["isthmus_router_decisions_total"] == 7
    assert found["isthmus_router_guard_blocks_total"] == 1


def test_a_router_that_does_not_answer_is_an_error_with_its_address() -> None:
    """The message names where nobody answered."""
    with pytest.raises(FactError, match=r"127\.0\.0\.1:1"):
        demo_sources._metrics("127.0.0.1:1")


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """A writer that was killed leaves half a line; the whole ones count."""
    path = tmp_path / "rows"
    path.write_bytes(ROW * 2 + ROW[:10])
    assert len(read_lines(path, LedgerRow)) == 2


def test_a_broken_line_inside_the_file_is_an_error(tmp_path: Path) -> None:
    """Anything but a torn end means the file is not what it should be."""
    path = tmp_path / "rows"
    path.write_bytes(ROW + b"{}\n" + ROW)
    with pytest.raises(FactError, match="rows"):
        read_lines(path, LedgerRow)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """The load run should have written it."""
    with pytest.raises(FactError, match="gone"):
        read_lines(tmp_path / "gone", LedgerRow)


def test_counts_since_a_baseline_leave_out_earlier_runs() -> None:
    """A kept cloud has counted other runs; the chain is judged as a whole."""
    before = Counts(decisions=10, guard_blocks=1, recorded=10, chain_ok=True)
    now = Counts(decisions=15, guard_blocks=1, recorded=14, chain_ok=False)
    assert now.since(before) == Counts(decisions=5, guard_blocks=0, recorded=4, chain_ok=False)


def test_poll_says_whether_it_came_true() -> None:
    """It asks until yes, and gives up at its time."""
    answers = iter([False, False, True])
    assert poll(lambda: next(answers), within_s=10)
    assert not poll(lambda: False, within_s=0)
