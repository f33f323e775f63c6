"""Twin of runtime/cpu_wait.py."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import cpu_wait
from runtime.cpu_wait import WAIT_SHARE_MAX, CpuWait, worst_share

NS = st.integers(0, 10**12)
SECOND_NS = 1_000_000_000
DEADLINE_S = 15.0


@given(st.lists(st.tuples(NS, NS), max_size=5), st.integers(1, 10**12))
def test_the_share_is_that_of_the_worst_process_and_never_negative(
    waits: list[tuple[int, int]], elapsed_ns: int
) -> None:
    """One starved router is enough; a process that has ended (its count falls to 0) does not count."""
    before, now = tuple(first for first, _ in waits), tuple(after for _, after in waits)
    share = worst_share(before, now, elapsed_ns=elapsed_ns)
    grown = [after - first for first, after in waits if after >= first]
    assert share == max(grown, default=0) / elapsed_ns


@pytest.mark.parametrize(
    ("before", "now", "starved"),
    [
        ((0, 0), (0, SECOND_NS // 2 + 1), True),
        ((0, 0), (SECOND_NS // 3, SECOND_NS // 2), False),
        ((SECOND_NS * 9,), (0,), False),
        ((), (), False),
    ],
)
def test_half_a_second_of_waiting_starves_a_second(
    before: tuple[int, ...], now: tuple[int, ...], *, starved: bool
) -> None:
    """The process that waited longest counts; one that ended and one that never was do not."""
    assert (worst_share(before, now, elapsed_ns=SECOND_NS) > WAIT_SHARE_MAX) is starved


def test_starved_seconds_are_counted_while_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the kernel's own count; a process without one is never starved."""
    monkeypatch.setattr(cpu_wait, "SAMPLE_S", 0.02)
    counter = tmp_path / "1" / "schedstat"
    counter.parent.mkdir()
    counter.write_text("5 0 9\n")
    with CpuWait((1, 2), proc=tmp_path) as waited:
        assert (waited.starved_s, waited.wait_share_max) == (0, 0.0)
        counter.write_text(f"5 {SECOND_NS * 60} 9\n")
        deadline_s = time.monotonic() + DEADLINE_S
        while not waited.starved_s and time.monotonic() < deadline_s:
            time.sleep(0.005)
    assert waited.starved_s == 1
    assert waited.wait_share_max > 1


def test_a_run_of_no_length_starves_nobody() -> None:
    """Though the kernel's count of the process is not 0: what was waited before is not of the run."""
    with CpuWait((os.getpid(),)) as waited:
        pass
    assert (waited.starved_s, waited.wait_share_max) == (0, 0.0)
