"""The API client against a TLS server with certificates of its own: identity shown, answers and refusals told."""

import base64
import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.clusters_api import MERGE_PATCH, Api, ApiError
from local.clusters_kwok import Credentials, kubeconfig


class Authority:
    """A certificate authority made for one test, by openssl."""

    def __init__(self, directory: Path) -> None:
        assert shutil.which("openssl"), "these tests make certificates with openssl: install it"
        directory.mkdir()
        self._directory = directory
        self._run(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "ca.key", "-out", "ca.crt", "-days", "1", "-subj", "/CN=authority",
        )  # fmt: skip
        self.certificate = (directory / "ca.crt").read_bytes()

    def issue(self, name: str) -> tuple[bytes, bytes]:
        self._run(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", "1", "-subj", f"/CN={name}",
            "-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE",
        )  # fmt: skip
        read = self._directory.joinpath
        return read(f"{name}.crt").read_bytes(), read(f"{name}.key").read_bytes()

    def _run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self._directory, check=True, capture_output=True)


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = 404 if self.path == "/absent" else 200
        text = f"{self.command} {self.headers['Content-Type']} {body.decode()}".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - names of the library

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    authority = Authority(tmp_path / "authority")
    server_certificate, server_key = authority.issue("server")
    (tmp_path / "server.pem").write_bytes(server_certificate + server_key)
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        certificate, key = authority.issue("client")
        given = Credentials(authority=authority.certificate, certificate=certificate, key=key)
        url = f"https://127.0.0.1:{server.server_address[1]}"
        (tmp_path / "kubeconfig").write_text(kubeconfig("x", url, credentials=given))
        yield tmp_path / "kubeconfig"
        server.shutdown()
        thread.join()


def test_requests_go_as_the_client_of_the_kubeconfig(config: Path) -> None:
    """Method, media type and body arrive; the server demanded a certificate of its authority."""
    with Api(config) as api:
        assert api.is_ready()
        body = {"spec": {"unschedulable": True}}
        told = api.ask("PATCH", "/api/v1/nodes/a", body=body, content=MERGE_PATCH)
        assert told == b'PATCH application/merge-patch+json {"spec":{"unschedulable":true}}'
        assert api.ask("DELETE", "/x").startswith(b"DELETE")


def test_a_refusal_carries_its_status(config: Path) -> None:
    """And the connection is good for the next request."""
    with Api(config) as api:
        with pytest.raises(ApiError, match="GET /absent: 404") as caught:
            api.ask("GET", "/absent")
        assert caught.value.status == 404
        assert api.is_ready()


def test_a_server_of_another_authority_is_not_trusted(tmp_path: Path, config: Path) -> None:
    """Whoever answers there without being ours is unreachable, not believed."""
    other = base64.b64encode(Authority(tmp_path / "other").certificate).decode()
    lines = [
        f"    certificate-authority-data: {other}" if "certificate-authority-data" in it else it
        for it in config.read_text().splitlines()
    ]
    config.write_text("\n".join(lines))
    with Api(config) as api:
        assert not api.is_ready()


def test_a_server_that_is_gone_has_status_zero(tmp_path: Path, config: Path) -> None:
    """Connection refused is told apart from a refusal."""
    text = config.read_text()
    port = text.split("127.0.0.1:")[1].split()[0]
    gone = tmp_path / "gone"
    gone.write_text(text.replace(f":{port}", ":1"))
    with Api(gone) as api, pytest.raises(ApiError) as caught:
        api.ask("GET", "/readyz")
    assert caught.value.status == 0


@pytest.mark.parametrize("text", ["", "{", "clusters: []\nusers: []", "clusters: 1"])
def test_a_kubeconfig_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    """The file, what was expected, the fix."""
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(ApiError, match=f"(?s){path}: .*fix: "):
        Api(path)
    with pytest.raises(ApiError, match="absent"):
        Api(tmp_path / "absent")
