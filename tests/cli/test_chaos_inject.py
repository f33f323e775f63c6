"""Twin of cli/chaos_inject.py: one fault held for a moment on a small real cloud."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from cli.chaos import chaos_app
from contracts.fault import FaultRecord
from runtime.locks import file_lock
from tests.chaos.stage import Stage
from tests.cli.chaos_home import chaos_home

runner = CliRunner()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Path, Stage]]:
    with chaos_home(tmp_path) as built:
        yield built


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("kill", "--share", "0.4", "--seed", "3"), "process_kill"),
        (("stop", "--share", "0.4"), "process_stop"),
        (("cut",), "link_cut"),
        (("link", "--delay-ms", "20", "--jitter-ms", "5"), "relay_fault"),
        (("link", "--hole", "--direction", "down"), "relay_fault"),
        (("link", "--reset"), "relay_fault"),
    ],
)
def test_a_fault_is_proven_held_and_healed(
    home: tuple[Path, Stage], arguments: tuple[str, ...], kind: str
) -> None:
    """Exit 0, its record says when it was healed, and everything runs again."""
    shown = runner.invoke(
        chaos_app, ["inject", *arguments, "--for", "0.2", "--home", str(home[0]), "--json"]
    )
    assert shown.exit_code == 0, shown.stderr
    record = msgspec.json.decode(shown.stdout, type=FaultRecord)
    assert record.kind == kind
    assert record.healed_mono_ns > record.injected_mono_ns
    assert "in force for 0.2 s" in shown.stderr
    assert home[1].all_run()
    assert not list(home[0].glob("runs/*/leases/*.json"))


def test_what_cannot_be_injected_is_said(home: tuple[Path, Stage], tmp_path: Path) -> None:
    """Nothing asked of the link: 2; too few would stay, the cloud is taken or not there: 3."""
    asked = ["--for", "0.1", "--home", str(home[0])]
    nothing = runner.invoke(chaos_app, ["inject", "link", *asked])
    assert nothing.exit_code == 2
    assert "expected --delay-ms" in nothing.stderr
    few = runner.invoke(chaos_app, ["inject", "kill", "--healthy-min", "5", *asked])
    assert few.exit_code == 3
    assert "would stay healthy; expected 5" in few.stderr
    with file_lock(home[0] / "run.lock", wait_s=0):
        taken = runner.invoke(chaos_app, ["inject", "cut", *asked])
    assert taken.exit_code == 3
    assert "held by process" in taken.stderr
    absent = runner.invoke(chaos_app, ["inject", "cut", "--home", str(tmp_path / "nowhere")])
    assert absent.exit_code == 3
    assert "expected a cloud state" in absent.stderr
