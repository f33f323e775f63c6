"""The wire tap on a real link between two namespaces: what it must see, what it must not, and when it proves nothing."""

import gzip
import random
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from local.tap_flows import Doubts
from tests.local.wires import (
    PRIVATE,
    PUBLIC,
    RunningTap,
    address,
    canary,
    rooted,
    run,
    send,
    serving,
    tapped,
    two_namespaces,
    two_sites,
)

pytestmark = [pytest.mark.clusters, rooted]
RNG = random.Random(20)
VALUES = [f"1990047{number:04d}" for number in RNG.sample(range(10_000), 12)]


def beacon(number: int) -> bytes:
    return b"b-" + "".join(random.Random(number).choices("abcdefghijklmnopqrstuvwxyz", k=24)).encode()  # fmt: skip


def request(number: int, body: bytes, *headers: str) -> bytes:
    lines = ["POST /clicks HTTP/1.1", "Host: shop", f"Isthmus-Beacon: {beacon(number).decode()}", *headers, "", ""]  # fmt: skip
    return "\r\n".join(lines).encode() + body


def chunked(data: bytes, size: int) -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def cut(data: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(data[at : at + size] for at in range(0, len(data), size))


def planted(value: str, number: int) -> tuple[bytes, ...]:
    """A request that holds the value in one of six ways, as the segments it is sent in."""
    body = b'{"note":"' + random.Random(number).randbytes(900).hex().encode() + f" {value}".encode() + b'"}'  # fmt: skip
    packed = gzip.compress(body)
    encoded, pieces = "Content-Encoding: gzip", "Transfer-Encoding: chunked"
    wide = "".join(chr(ord(it) + 0xFEE0) for it in value).encode()
    ways = (
        (request(number, body),),
        cut(request(number, body), 7),
        cut(request(number, packed, encoded), 11),
        cut(request(number, chunked(body, 5), pieces), 400),
        cut(request(number, chunked(packed, 13), pieces, encoded), 60),
        (request(number, "".join(f"%{byte:02X}" for byte in wide).encode()),),
    )
    return ways[number % len(ways)]


def clean(number: int) -> tuple[bytes, ...]:
    """The like without it."""
    return planted("x" * 11, number)


CANARIES = [canary(number, value) for number, value in enumerate(VALUES)]


def all_seen(tap: RunningTap) -> None:
    seen = tap.seen()
    assert {hit.canary for hit in seen.hits} == set(range(len(VALUES)))
    assert set(Path(seen.beacons_file).read_bytes().split()) == {beacon(n) for n in range(len(VALUES))}  # fmt: skip
    assert seen.errors == 0, tap.stats()


def test_every_planted_value_is_seen_and_nothing_else(tmp_path: Path) -> None:
    """Plain, cut into segments, chunked, compressed, escaped, both ways; the same traffic without them shows none."""
    with (
        two_sites() as (public, private), tapped(tmp_path, public) as tap,
        serving(public, PUBLIC, 8080, answer=b"HTTP/1.1 202 Accepted\r\n\r\n"),
        serving(private, PRIVATE, 8081, answer=f"tel {VALUES[0]}".encode()),
    ):  # fmt: skip
        tap.arm(*CANARIES)
        send(private, PUBLIC, 8080, *map(clean, range(100, 112)))
        seen = tap.seen()
        assert (seen.hits, seen.beacons, seen.errors) == ((), 12, 0)
        tap.arm(*CANARIES)
        send(private, PUBLIC, 8080, *(planted(value, n) for n, value in enumerate(VALUES)))
        all_seen(tap)
        tap.arm(*CANARIES)
        send(public, PRIVATE, 8081, (b"asked by the public site",))
        assert [(hit.canary, hit.listener) for hit in tap.seen().hits] == [
            (0, f"site {PRIVATE}:8081")
        ]
        assert tap.stats().doubts == Doubts()


def test_a_tap_that_lost_frames_proves_nothing(tmp_path: Path) -> None:
    """No room in its buffer while it does not run: it goes on, says what was dropped, and its report is an error."""
    with (
        two_sites() as (public, private), tapped(tmp_path, public, buffer_bytes=4096) as tap,
        serving(public, PUBLIC, 8080),
    ):  # fmt: skip
        tap.arm(*CANARIES)
        tap.signal(signal.SIGSTOP)
        send(private, PUBLIC, 8080, *(planted(value, n) for n, value in enumerate(VALUES)))
        tap.signal(signal.SIGCONT)
        stats = tap.stats()
        assert stats.doubts.drops > 0
        assert stats.is_void
        assert tap.seen().errors >= stats.doubts.drops


BAD_WIRE = """
import ctypes, fcntl, os, random, select, struct, sys
def end(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.setns(os.open("/run/netns/" + namespace, os.O_RDONLY), 0x40000000) == 0
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, 0x400454CA, struct.pack("16sH", b"site", 0x1002))
    return device
ends = [end(name) for name in sys.argv[1:3]]
print(flush=True)
rng, held, counts = random.Random(7), {}, [0, 0, 0]
while True:
    ready, _, _ = select.select([*ends, sys.stdin], [], [], 0.02)
    if sys.stdin in ready:
        break
    for device in ready:
        frame = os.read(device, 65536)
        other = ends[1 - ends.index(device)]
        tcp = len(frame) > 60 and frame[23] == 6
        chance = rng.random() if tcp else 1.0
        if chance < 0.03:
            counts[0] += 1
            continue
        if chance < 0.2 and device not in held:
            held[device] = frame
            continue
        os.write(other, frame)
        if chance < 0.3:
            counts[1] += 1
            os.write(other, frame)
        if device in held:
            counts[2] += 1
            os.write(other, held.pop(device))
    if not ready:
        for device, frame in held.items():
            os.write(ends[1 - ends.index(device)], frame)
        held.clear()
print(*counts, flush=True)
"""


@contextmanager
def bad_wire(public: str, private: str) -> Generator[list[int]]:
    """A link that loses, doubles and swaps frames; how many, once it is over."""
    argv = (sys.executable, "-I", "-c", BAD_WIRE, public, private)
    counts: list[int] = []
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as wire:
        try:
            assert wire.stdin
            assert wire.stdout
            wire.stdout.readline()
            address(public, f"{PUBLIC}/30")
            address(private, f"{PRIVATE}/30")
            yield counts
            print(file=wire.stdin, flush=True)
            counts += map(int, wire.stdout.readline().split())
        finally:
            wire.kill()


def test_a_wire_that_loses_doubles_and_swaps_frames_hides_nothing(tmp_path: Path) -> None:
    """Real TCP over it: everything is seen in order, and what TCP mends is no doubt."""
    with ExitStack() as stack:
        public, private = stack.enter_context(two_namespaces())
        with ExitStack() as here:
            counts = here.enter_context(bad_wire(public, private))
            tap = here.enter_context(tapped(tmp_path, public))
            here.enter_context(serving(public, PUBLIC, 8080))
            tap.arm(*CANARIES)
            send(private, PUBLIC, 8080, *(planted(value, n) for n, value in enumerate(VALUES)))
            all_seen(tap)
        lost, doubled, swapped = counts
        assert min(lost, doubled, swapped) > 0


def test_on_a_bridge_it_sees_what_pods_say_to_each_other(tmp_path: Path) -> None:
    """From port to port of the bridge; the callers of a spared server are only counted."""
    with two_namespaces() as (public, pod):
        bridge = f"link add pods type bridge\nlink add one type veth peer name eth0 netns {pod}\nlink set one master pods up\n"  # fmt: skip
        subprocess.run(("ip", "-n", public, "-batch", "-"), input=bridge, text=True, check=True)
        address(public, "10.96.1.1/24", "pods")
        address(pod, "10.96.1.2/24", "eth0")
        edge = f"{pod}e"
        assert run("ip", "netns", "add", edge)
        try:
            assert run("ip", "-n", public, "link", "add", "two", "type", "veth", "peer", "name", "eth0", "netns", edge)  # fmt: skip
            assert run("ip", "-n", public, "link", "set", "two", "master", "pods", "up")
            address(edge, "10.96.1.3/24", "eth0")
            with (
                tapped(tmp_path, public, interface="pods", spared=("10.96.1.3/32:8080",)) as tap,
                serving(pod, "10.96.1.2", 8080), serving(edge, "10.96.1.3", 8080),
            ):  # fmt: skip
                tap.arm(*CANARIES)
                send(edge, "10.96.1.2", 8080, planted(VALUES[3], 3))
                send(public, "10.96.1.3", 8080, planted(VALUES[4], 4))
                hits = [(hit.canary, hit.listener) for hit in tap.seen().hits]
                assert hits == [(3, "pods 10.96.1.2:8080")]
                stats = tap.stats()
                assert stats.spared_bytes > 0
                assert stats.doubts == Doubts()
                assert run("ip", "-n", public, "link", "delete", "pods")
                assert tap.stats().is_void, "what it watched is gone"
                assert tap.seen().errors > 0
        finally:
            run("ip", "netns", "delete", edge)
