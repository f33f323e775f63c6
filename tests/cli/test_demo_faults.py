"""The order in which a demo breaks things."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from chaos.faults import FaultError
from cli import demo_faults
from cli.demo_faults import inject_on_schedule
from cli.demo_options import DemoOptions


class Diary:
    """Writes down what would be done, with the time of the schedule."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.folder = Path()

    def wait_until(self, offset_s: float) -> None:
        self.entries.append(f"{offset_s:g}")

    def finish(self) -> str:
        self.entries.append("finish")
        return "summary"

    def close(self) -> None:
        self.entries.append("close")

    def records(self) -> tuple[str, ...]:
        return ("records",)

    def __getattr__(self, name: str) -> object:
        def inject(**arguments: object) -> SimpleNamespace:
            shown = (
                f"{name} transactional={arguments['transactional']}"
                if "transactional" in arguments
                else name
            )
            self.entries.append(shown)
            record = SimpleNamespace(
                targets=("a",), injected_mono_ns=1, healed_mono_ns=2, proof="p"
            )
            return SimpleNamespace(record=record, heal=lambda: self.entries.append(f"heal {name}"))

        return inject


@pytest.mark.parametrize("without", [None, "eos"])
def test_every_fault_comes_at_its_time_and_all_are_closed_after_the_traffic(
    monkeypatch: pytest.MonkeyPatch, without: str | None
) -> None:
    """Dead nodes stay dead and answers stay lost until the traffic is over; the rest is healed at once."""
    diary = Diary()
    monkeypatch.setattr(demo_faults, "open_faults", lambda *_, **__: diary)
    options = DemoOptions(root=Path(), seed=1, rate=600, duration_s=60, without=without)
    faults, summary = inject_on_schedule(
        options, SimpleNamespace(root="/x"), diary, lambda _line: None
    )
    kill = f"bridge_kill transactional={without != 'eos'}"
    assert diary.entries == [
        "1.8", "response_drop", "20", "node_kill", "27", "link_cut", "33", "heal link_cut",
        "37.5", kill, "heal bridge_kill", "45", kill, "heal bridge_kill", "finish", "close",
    ]  # fmt: skip
    assert (faults, summary) == (("records",), "summary")


def test_a_bridge_that_could_not_be_killed_in_time_leaves_an_unproven_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run goes on to its verdict, which can then only be INVALID."""

    class Missing(Diary):
        def bridge_kill(self, **_: object) -> object:
            raise FaultError("bridge_kill: the moment did not come")

    diary = Missing()
    monkeypatch.setattr(demo_faults, "open_faults", lambda *_, **__: diary)
    options = DemoOptions(root=Path(), seed=1, rate=600, duration_s=60)
    faults, _ = inject_on_schedule(options, SimpleNamespace(root="/x"), diary, lambda _line: None)
    missed = faults[1:]
    assert [(it.kind, it.proven, it.proof) for it in missed] == [
        ("bridge_kill", False, "bridge_kill: the moment did not come")
    ] * 2
    assert diary.entries[-2:] == ["finish", "close"]
