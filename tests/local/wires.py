"""Two namespaces joined by a link called `site`, as two sites are, and a tap on the public end of it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import msgspec
import pytest

from contracts.tap import Canary, TapReport
from local.site_tap_settings import SiteTapSettings, WireReport
from runtime.control import call_control
from runtime.ready import read_ready

ROOT = Path(__file__).parents[2]
PUBLIC, PRIVATE = "10.96.1.1", "10.96.1.2"
START_S = 20.0
rooted = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("nft") is None,
    reason="network namespaces need root and nftables",
)


def run(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def inside(namespace: str, *argv: str) -> tuple[str, ...]:
    return ("nsenter", f"--net=/run/netns/{namespace}", *argv)


@contextlib.contextmanager
def two_namespaces() -> Generator[tuple[str, str]]:
    """Public and private, with nothing in them."""
    public, private = f"istest{os.getpid()}p", f"istest{os.getpid()}v"
    try:
        for name in (public, private):
            assert run("ip", "netns", "add", name)
            assert run("ip", "-n", name, "link", "set", "lo", "up")
        yield public, private
    finally:
        for name in (public, private):
            run("ip", "netns", "delete", name)


def address(namespace: str, cidr: str, interface: str = "site") -> None:
    assert run("ip", "-n", namespace, "address", "add", cidr, "dev", interface)
    assert run("ip", "-n", namespace, "link", "set", interface, "up")


@contextlib.contextmanager
def two_sites() -> Generator[tuple[str, str]]:
    """Joined by a veth."""
    with two_namespaces() as (public, private):
        assert run(
            "ip", "-n", public, "link", "add", "site", "type", "veth", "peer", "name", "site",
            "netns", private,
        )  # fmt: skip
        address(public, f"{PUBLIC}/30")
        address(private, f"{PRIVATE}/30")
        yield public, private


class RunningTap:
    """A tap as its users see it: a process and its control socket."""

    def __init__(self, directory: Path, settings: SiteTapSettings) -> None:
        self.directory, self.settings = directory, settings
        path = directory / "tap.json"
        path.write_bytes(msgspec.json.encode(settings))
        self.log = directory / "tap.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "local.site_tap", "--settings", str(path)),
                cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        deadline_s = time.monotonic() + START_S
        while read_ready(Path(settings.ready)) is None:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline_s, "not ready in time"
            time.sleep(0.02)

    def arm(self, *canaries: Canary) -> None:
        manifest = self.directory / "canaries.ndjson"
        manifest.write_bytes(b"".join(msgspec.json.encode(it) + b"\n" for it in canaries))
        call_control(Path(self.settings.control), "arm", path=str(manifest))

    def seen(self) -> TapReport:
        told = call_control(Path(self.settings.control), "seen", timeout_s=20)
        return msgspec.json.decode(told, type=TapReport)

    def stats(self) -> WireReport:
        told = call_control(Path(self.settings.control), "stats", timeout_s=20)
        return msgspec.json.decode(told, type=WireReport)

    def signal(self, signum: signal.Signals) -> None:
        self.process.send_signal(signum)

    def end(self) -> int:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        return self.process.wait(10)


@contextlib.contextmanager
def tapped(directory: Path, namespace: str, **changes: object) -> Generator[RunningTap]:
    """A tap on the `site` of a namespace; it ends without being told twice."""
    settings = SiteTapSettings(
        name="tap-site", namespace=namespace, control=str(directory / "tap.sock"),
        ready=str(directory / "tap.ready"), beacons=str(directory / "beacons"),
    )  # fmt: skip
    tap = RunningTap(directory, msgspec.structs.replace(settings, **changes))
    try:
        yield tap
    finally:
        assert tap.end() == 0, tap.log.read_text()


SERVER = """
import socket, sys
host, port, answer = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
with socket.create_server((host, port)) as server:
    print(flush=True)
    while True:
        peer, _ = server.accept()
        with peer:
            while peer.recv(65536):
                pass
            peer.sendall(answer)
"""
CLIENT = """
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
for line in sys.stdin:
    with socket.create_connection((host, port), 20) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in line.split():
            peer.sendall(bytes.fromhex(part))
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(65536):
            pass
"""


@contextlib.contextmanager
def serving(namespace: str, host: str, port: int, *, answer: bytes = b"ok") -> Generator[None]:
    """Takes what it is sent, then answers that."""
    argv = inside(
        namespace, sys.executable, "-I", "-c", SERVER, host, str(port), (answer or b"").hex()
    )
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout
            assert server.stdout.readline()
            yield
        finally:
            server.kill()


def send(namespace: str, host: str, port: int, *connections: tuple[bytes, ...]) -> None:
    """Each connection sends its parts, a segment each, and waits for the answer."""
    text = "".join(" ".join(part.hex() for part in parts) + "\n" for parts in connections)
    argv = inside(namespace, sys.executable, "-I", "-c", CLIENT, host, str(port))
    subprocess.run(argv, input=text, text=True, check=True, timeout=60)


def canary(number: int, value: str, form: bytes = b"") -> Canary:
    planted = form or value.encode()
    return Canary(id=number, detector="any", place="json", value=value, form_hex=planted.hex())
