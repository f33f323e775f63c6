"""The wait for a processor, as a share of a second."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import demo_cpu
from cli.demo_cpu import CpuWait, worst_share

NS = st.integers(0, 10**12)


@given(st.lists(st.tuples(NS, NS), max_size=5), st.integers(1, 10**12))
def test_the_share_is_that_of_the_worst_process_and_never_negative(
    waits: list[tuple[int, int]], elapsed_ns: int
) -> None:
    """One starved router is enough; a process that has ended (its count falls to 0) does not count."""
    before, now = tuple(first for first, _ in waits), tuple(after for _, after in waits)
    share = worst_share(before, now, elapsed_ns=elapsed_ns)
    grown = [after - first for first, after in waits if after >= first]
    assert share == max(grown, default=0) / elapsed_ns


def test_a_process_that_waits_is_seen_and_an_unreadable_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counter of the one is read anew each time; the other has no such file."""
    monkeypatch.setattr(demo_cpu, "SAMPLE_S", 0.001)
    (tmp_path / "1").mkdir()
    counter = tmp_path / "1" / "schedstat"
    counter.write_text("5 0 9\n")
    with CpuWait((1, 2), proc=tmp_path) as waited:
        for total_ns in range(10**12, 10**14, 10**12):
            counter.write_text(f"5 {total_ns} 9\n")
            if waited.starved_s:
                break
        while not waited.starved_s:
            counter.write_text(f"5 {10**15} 9\n")
    assert waited.starved_s > 0
    assert waited.wait_share_max > 1


def test_the_running_kernel_counts_for_ourselves() -> None:
    """Where the kernel keeps the counter it reads as a number; a run of no length starves nobody."""
    with CpuWait(()) as waited:
        pass
    assert (waited.starved_s, waited.wait_share_max) == (0, 0.0)
