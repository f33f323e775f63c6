"""Twin of chaos/runs/starvation.py."""

import os
from pathlib import Path

import pytest

from chaos.runs import starvation
from chaos.runs.starvation import Starvation, is_starved
from tests.chaos.stage import eventually

SECOND_NS = 1_000_000_000


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
    assert is_starved(before, now, elapsed_ns=SECOND_NS) is starved


def test_starved_seconds_are_counted_while_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the kernel's own count; a process without one is never starved."""
    monkeypatch.setattr(starvation, "SAMPLE_S", 0.02)
    file = tmp_path / "1/schedstat"
    file.parent.mkdir()
    file.write_text("5 0 7\n")
    with Starvation((1, 2), proc=tmp_path) as watched:
        assert watched.starved_s == 0
        file.write_text(f"5 {SECOND_NS * 60} 7\n")
        eventually(lambda: watched.starved_s == 1)
    with Starvation((os.getpid(),)) as own:
        pass
    assert own.starved_s == 0
