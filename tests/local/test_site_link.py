"""Faults of the site link on a real one: packets really stop and come back, for a time, in one direction, in part."""

import subprocess
import sys
import time

import pytest

from local.site_link import (
    FaultError,
    fault_in,
    heal_link,
    load,
    set_fault,
    track_link,
)
from local.site_rules import Kind, LinkFault, heal_ruleset
from tests.local.wires import PRIVATE, PUBLIC, inside, rooted, run, serving, two_sites

ASK = """
import socket, sys
peer = socket.socket()
peer.settimeout(0.3)
try:
    peer.connect((sys.argv[1], 9))
except ConnectionRefusedError:
    sys.exit(0)
except OSError:
    sys.exit(1)
"""
POUR = """
import socket, sys, time
begun = time.monotonic()
with socket.create_connection((sys.argv[1], 80), 20) as peer:
    peer.sendall(bytes(int(sys.argv[2])))
    peer.shutdown(socket.SHUT_WR)
    peer.settimeout(20)
    assert peer.recv(9) == b"ok"
print(time.monotonic() - begun)
"""


def answers(namespace: str, address: str) -> bool:
    """Whether a TCP connection is refused (it arrived) rather than lost."""
    return run(*inside(namespace, sys.executable, "-I", "-c", ASK, address))


def pour_s(namespace: str, size: int) -> float:
    """How long the public site needs to take so many bytes."""
    argv = inside(namespace, sys.executable, "-I", "-c", POUR, PUBLIC, str(size))
    return float(subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout)


def test_a_namespace_that_is_not_there_is_named() -> None:
    """With the fix."""
    with pytest.raises(FaultError, match=r"isthmus-nowhere.*fix:"):
        load("isthmus-nowhere", heal_ruleset())


@rooted
def test_packets_stop_and_come_back() -> None:
    """Each kind, seen from both sides: who cannot reach whom, what is read back, then the heal."""
    with two_sites() as (public, private):
        for namespace in (public, private):
            track_link(namespace)
            track_link(namespace)
        assert fault_in(public) is None
        assert answers(private, PUBLIC)
        cases: tuple[tuple[Kind, bool, bool], ...] = (("cut", False, False), ("cut-new", False, True))  # fmt: skip
        for kind, there, back in cases:
            set_fault(public, LinkFault(kind=kind, left_s=60))
            assert (answers(private, PUBLIC), answers(public, PRIVATE)) == (there, back), kind
            told = fault_in(public)
            assert told
            assert (told.kind, 55 <= told.left_s <= 60) == (kind, True)
            assert fault_in(private) is None
        heal_link(public)
        heal_link(public)
        assert fault_in(public) is None
        assert answers(private, PUBLIC)
        assert answers(public, PRIVATE)


@rooted
def test_the_kernel_ends_a_fault_that_nobody_heals() -> None:
    """After its seconds packets pass, and it is not told as in force any more."""
    with two_sites() as (public, private):
        set_fault(public, LinkFault(kind="cut", left_s=1))
        assert not answers(private, PUBLIC)
        deadline_s = time.monotonic() + 5
        while not answers(private, PUBLIC):
            assert time.monotonic() < deadline_s
        assert fault_in(public) is None


@rooted
def test_a_narrow_link_is_slow_and_a_lossy_one_still_delivers() -> None:
    """900 KB through 200 KiB a second take two seconds; one packet in ten lost is mended by TCP."""
    with two_sites() as (public, private), serving(public, PUBLIC, 80):
        assert pour_s(private, 900_000) < 1
        set_fault(public, LinkFault(kind="cap", size=200))
        assert pour_s(private, 900_000) > 1
        set_fault(public, LinkFault(kind="lose", size=100))
        told = fault_in(public)
        assert told
        assert (told.kind, told.size) == ("lose", 100)
        assert pour_s(private, 20_000) < 20
