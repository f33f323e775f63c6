"""The port on the official client, against an HTTP server."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from autoscale.kube.client import Client, ConfigurationFault
from autoscale.kube.ports import Ask, RefusedError, UnreachableError
from tests.autoscale.control.fake_api import FakeApi
from tests.autoscale.control.fake_shop import HPA

LIST = "/apis/autoscaling/v2/horizontalpodautoscalers"


def handler_of(server: "Server") -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one small method after another
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            server.tokens.append(self.headers.get("Authorization"))
            time.sleep(server.delay_s)
            if query.get("watch"):
                self.stream(parts.path, query)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            ask = Ask(
                method=self.command, path=parts.path, query=query, body=body,
                content=self.headers.get("Content-Type") or "",
            )  # fmt: skip
            found = server.api.ask(ask, timeout_s=1)
            self.send_response(found.status)
            if server.retry_after:
                self.send_header("Retry-After", server.retry_after)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the client may have given up
                self.wfile.write(found.body[: len(found.body) // 2] if server.cut else found.body)
            if server.cut:
                self.close_connection = True

        def stream(self, path: str, query: dict[str, str]) -> None:
            lines = server.api.watch(path, query, silence_s=30)
            try:
                first = next(lines)
            except RefusedError as error:
                self.send_response(error.status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            try:
                for line in _chain(first, lines):
                    data = line + b"\n"
                    # in two chunks: a line may be split anywhere
                    for part in (data[:7], data[7:]):
                        self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                return

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler


class Server:
    """The fake API server behind HTTP, as slow or broken as the test says."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.api.put(
            HPA, {"kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": 4, "maxReplicas": 9}}
        )
        self.tokens: list[str | None] = []
        self.delay_s, self.retry_after, self.cut = 0.0, "", False
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.api.closed.set()
    made.http.shutdown()
    thread.join()
    made.http.server_close()


def config(directory: Path, url: str, token: str = "t0") -> str:
    file = directory / "kubeconfig"
    file.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": url}}],
        "users": [{"name": "x", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }))  # fmt: skip
    return str(file)


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Client:
    return Client(config(tmp_path, server.url))


def test_a_request_carries_credentials_and_brings_status_and_body(
    server: Server, client: Client
) -> None:
    """Found, and not found: both are answers."""
    found = client.ask(Ask(method="GET", path=HPA), timeout_s=5)
    assert (found.status, b"minReplicas" in found.body) == (200, True)
    assert server.tokens == ["Bearer t0"]
    server.retry_after = "7"
    missing = client.ask(Ask(method="GET", path=f"{HPA}x"), timeout_s=5)
    assert (missing.status, missing.retry_after_s) == (404, 7.0)
    assert client.host == server.url


def test_a_server_that_is_slow_cut_or_gone_is_unreachable(server: Server, client: Client) -> None:
    """Whether the write was done is not known: that is one error, whatever happened on the way."""
    server.delay_s = 1.0
    with pytest.raises(UnreachableError):
        client.ask(Ask(method="GET", path=HPA), timeout_s=0.2)
    server.delay_s, server.cut = 0.0, True
    with pytest.raises(UnreachableError):
        client.ask(Ask(method="GET", path=HPA), timeout_s=5)


def test_a_watch_brings_whole_lines_as_they_come(server: Server, client: Client) -> None:
    """Also when they come in pieces; closing it ends it."""
    lines = client.watch(LIST, {"watch": "1", "resourceVersion": "100"}, silence_s=5)
    assert b'"ADDED"' in next(lines)
    server.api.edit(HPA, lambda it: it["spec"].update(minReplicas=6))
    while b'"MODIFIED"' not in next(lines):
        pass
    lines.close()  # type: ignore[attr-defined]


def test_a_watch_from_too_long_ago_is_refused_with_410(server: Server, client: Client) -> None:
    """The caller lists anew."""
    server.api.compact()
    with pytest.raises(RefusedError) as caught:
        next(client.watch(LIST, {"watch": "1", "resourceVersion": "5"}, silence_s=5))
    assert caught.value.status == 410


def test_a_half_open_watch_is_told_by_its_silence(server: Server, client: Client) -> None:
    """No bookmark within the time: the connection is dead, whatever the kernel thinks."""
    lines = client.watch(LIST, {"watch": "1", "resourceVersion": "100"}, silence_s=0.3)
    next(lines)
    server.api.silent = True
    with pytest.raises(UnreachableError):
        list(lines)


def test_without_a_kubeconfig_outside_a_cluster_it_says_what_is_missing(tmp_path: Path) -> None:
    """The file, or that there is none."""
    with pytest.raises(ConfigurationFault, match="the service account of this pod"):
        Client()
    with pytest.raises(ConfigurationFault, match="nothing"):
        Client(str(tmp_path / "nothing"))
    broken = tmp_path / "broken"
    broken.write_text("clusters: 7")
    with pytest.raises(ConfigurationFault, match="broken"):
        Client(str(broken))
