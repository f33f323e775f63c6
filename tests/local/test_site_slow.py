"""A delayed link: what one site sends arrives later, and by the old way when the delay ends, whatever ended it."""

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from local.clusters_network import processes_in
from local.site_delay import DelayOptions
from local.site_link import FaultError
from local.site_slow import delay_of, end_delay, hardware_address, start_delay
from tests.local.wires import (
    PRIVATE,
    PUBLIC,
    address,
    canary,
    inside,
    rooted,
    run,
    send,
    serving,
    tapped,
    two_sites,
)

pytestmark = rooted
CONNECT = """
import socket, sys, time
for _ in range(5):
    begun_s = time.monotonic()
    socket.create_connection(("10.97.0.1", 80), 5, ("10.98.0.1", 0)).close()
    print(time.monotonic() - begun_s)
"""
VALUE = "1990047" + "0077"
FAST_S = 0.3
"""A connection takes a tenth of a millisecond; on a busy machine it waits for its turn."""


class Slow:
    """Two sites with a network each, and the delay on what the public one sends."""

    def __init__(self, public: str, private: str, directory: Path) -> None:
        self.public, self.private, self._directory = public, private, directory
        self.options = DelayOptions(
            namespace=public, network="10.98.0.0/16", source=PUBLIC, peer=hardware_address(private),
            delay_ms=400, ttl_s=60,
        )  # fmt: skip

    def start(self, **changes: object) -> None:
        options = msgspec.structs.replace(self.options, **changes)
        start_delay(options, mark=str(self._directory), log=self._directory / "delay.log")

    def took_s(self) -> float:
        """How long a connection from private takes to be made."""
        argv = inside(self.private, sys.executable, "-I", "-c", CONNECT)
        done = subprocess.run(argv, capture_output=True, check=True, timeout=60)
        return statistics.median(map(float, done.stdout.split()))


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Slow]:
    """Something listens in public."""
    with two_sites() as (public, private):
        for namespace, own, peer, via in (
            (public, "10.97", "10.98", PRIVATE), (private, "10.98", "10.97", PUBLIC),
        ):  # fmt: skip
            assert run("ip", "-n", namespace, "link", "add", "pods", "type", "bridge")
            address(namespace, f"{own}.0.1/16", "pods")
            assert run("ip", "-n", namespace, "route", "add", f"{peer}.0.0/16", "via", via)
        with serving(public, "10.97.0.1", 80):
            made = Slow(public, private, tmp_path)
            try:
                yield made
            finally:
                end_delay(public)


def test_what_a_site_sends_arrives_later_until_it_is_healed(slow: Slow) -> None:
    """The answer to a SYN, so a connection; another delay replaces it; ended twice it is ended once."""
    assert slow.took_s() < FAST_S
    slow.start()
    assert delay_of(slow.public) == slow.options
    assert slow.took_s() >= 0.4
    slow.start(delay_ms=700)
    assert slow.took_s() >= 0.7
    assert end_delay(slow.public)
    assert not end_delay(slow.public)
    assert delay_of(slow.public) is None
    assert slow.took_s() < FAST_S


@pytest.mark.parametrize("how", ["killed", "time"])
def test_a_delay_ends_with_its_process_or_its_time(slow: Slow, how: str) -> None:
    """SIGKILL leaves nothing of it: interface and routes go with the process."""
    slow.start(ttl_s=60 if how == "killed" else 1)
    if how == "killed":
        assert slow.took_s() >= 0.4
        for pid in processes_in(slow.public):
            with contextlib.suppress(OSError):
                if b"site_delay" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
    deadline_s = time.monotonic() + 10
    while delay_of(slow.public) is not None:
        assert time.monotonic() < deadline_s
    assert slow.took_s() < FAST_S


def test_delayed_packets_are_still_on_the_wire_for_a_tap(slow: Slow, tmp_path: Path) -> None:
    """What public says to private is seen on the link, in order, without a doubt."""
    with serving(slow.private, "10.98.0.1", 81), tapped(tmp_path, slow.public) as tap:
        tap.arm(canary(5, VALUE))
        slow.start(delay_ms=30, jitter_ms=30)
        send(slow.public, "10.98.0.1", 81, (b"x" * 40_000, VALUE[:5].encode(), VALUE[5:].encode()))
        assert [(hit.canary, hit.listener) for hit in tap.seen().hits] == [(5, "site 10.98.0.1:81")]
        assert tap.seen().errors == 0, tap.stats()


def test_what_cannot_be_delayed_is_said(slow: Slow) -> None:
    """By the process itself, or by the link that is not there."""
    with pytest.raises(FaultError, match=r"isthmus-nowhere.*fix:"):
        hardware_address("isthmus-nowhere")
    with pytest.raises(FaultError, match=r"no delay .*33.*fix: see"):
        slow.start(network="10.98.0.0/33")
    assert slow.took_s() < FAST_S
