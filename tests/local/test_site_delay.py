"""Packets held for a time: none overtakes another, none is held for ever; and how the process is told what to do."""

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import site_delay
from local.site_delay import DelayLine, DelayOptions, command_line, read_command_line
from tests.local.wires import ROOT

OPTIONS = DelayOptions(
    namespace="is1a2b-pub", network="10.98.0.0/16", source="10.96.1.1", peer="aa:bb:cc:dd:ee:ff", delay_ms=300,
    jitter_ms=20, ttl_s=60,
)  # fmt: skip


@given(st.lists(st.floats(0, 1), max_size=40), st.floats(0, 0.5), st.integers())
def test_packets_come_out_in_order_after_their_time(
    steps: list[float], jitter_s: float, seed: int
) -> None:
    """Each after the delay, and no later than the delay and the jitter after it, or after the one before it."""
    line, now_s, out = DelayLine(0.3, jitter_s, random.Random(seed)), 10.0, []
    pushed: list[float] = []
    for number, step_s in enumerate(steps):
        now_s += step_s
        out += [(packet, now_s) for packet in line.due(now_s)]
        line.push(bytes((number,)), now_s)
        pushed.append(now_s)
    while (wait_s := line.wait_s(now_s)) is not None:
        now_s += wait_s + 1e-9
        out += [(packet, now_s) for packet in line.due(now_s)]
    assert [packet[0] for packet, _ in out] == list(range(len(steps)))
    assert all(at_s >= pushed[packet[0]] + 0.3 for packet, at_s in out)
    assert now_s <= (pushed or [10.0])[-1] + 0.3 + jitter_s + 1e-6


def test_a_full_line_loses_what_comes_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    """And takes more once some has gone."""
    monkeypatch.setattr(site_delay, "HELD_BYTES_MAX", 10)
    line = DelayLine(1.0, 0.0, random.Random(1))
    for _ in range(3):
        line.push(b"12345", 0.0)
    assert line.lost == 1
    assert len(list(line.due(1.0))) == 2
    line.push(b"12345", 2.0)
    assert line.lost == 1
    assert line.wait_s(2.5) == 0.5


def test_a_delay_is_known_by_its_command_line() -> None:
    """Another process's is none, nor one that lacks what it needs."""
    assert read_command_line(list(command_line(OPTIONS))) == OPTIONS
    assert read_command_line(["python", "-m", "local.agent"]) is None
    assert read_command_line(["python", "-m", "local.site_delay", "--network=x"]) is None


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [("--delay-ms=soon", 2, "delay_ms"), ("--namespace=isthmus-nowhere", 3, "isthmus-nowhere")],
)
def test_what_cannot_be_delayed_is_said(changed: str, code: int, said: str) -> None:
    """In one line."""
    argv = (*command_line(OPTIONS)[:3], *command_line(OPTIONS)[3:], changed)
    done = subprocess.run(argv, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, False)
    assert argv[0] == sys.executable
