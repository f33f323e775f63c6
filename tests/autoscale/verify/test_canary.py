"""A canary request per workload."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from autoscale.verify.canary import Canaries


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/ads" else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_a_workload_that_does_not_answer_is_named_with_its_reason(
    server: ThreadingHTTPServer,
) -> None:
    """2xx is well; another status, and nobody there, are not; only those asked for are told."""
    base = f"http://127.0.0.1:{server.server_address[1]}"
    canaries = Canaries(
        {"a": f"{base}/ads", "b": f"{base}/gone", "c": "http://127.0.0.1:1/x"}, timeout_s=1
    )
    canaries.try_all()
    found = canaries.failing(["a", "b", "c"])
    assert "answered 503" in found["b"]
    assert "expected an answer through the router" in found["c"]
    assert set(found) == {"b", "c"}
    assert canaries.failing(["a"]) == {}


def test_without_urls_nobody_is_asked() -> None:
    """The thread ends at once."""
    Canaries({}, timeout_s=1).run(threading.Event())
