"""The port for probes and metrics: /healthz, /readyz, /metrics; nothing else is answered."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

IDLE_S = 10.0
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Probes(NamedTuple):
    """What is answered: a reason why not, empty for well; and the metrics."""

    healthy: Callable[[], str]
    ready: Callable[[], str]
    metrics: Callable[[], bytes]


class Health:
    """A server in a thread of its own; `address` is where it really listens."""

    def __init__(self, listen: str, probes: Probes) -> None:
        host, _, port = listen.rpartition(":")
        self._server = ThreadingHTTPServer((host, int(port)), _handler(probes))
        self._server.daemon_threads = True
        bound, number = self._server.server_address[:2]
        self.address = f"{bound!s}:{number}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="health", daemon=True
        )

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(probes: Probes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = IDLE_S

        def do_GET(self) -> None:  # the name http.server calls
            match self.path:
                case "/healthz":
                    self._probe(probes.healthy())
                case "/readyz":
                    self._probe(probes.ready())
                case "/metrics":
                    self._answer(200, probes.metrics())
                case _:
                    self._answer(404, b"expected /healthz, /readyz or /metrics\n")

        def _probe(self, why_not: str) -> None:
            self._answer(503 if why_not else 200, f"{why_not or 'ok'}\n".encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", TEXT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Probes are not worth a line."""

    return Handler
