"""What a person is told of an environment's stacks, and the exit code behind it."""

import io
from pathlib import Path

import pytest
import typer
from rich.console import Console

from cli.environments import act, print_summary, refuse_unconfirmed_down, show_outputs
from infra.orchestrate import StackResult, Summary


def told(*stacks: StackResult, partial: bool = False, drift: bool = False) -> str:
    out = io.StringIO()
    summary = Summary(environment="dev", action="up", stacks=stacks, partial=partial, drift=drift)
    print_summary(summary, Console(file=out, width=200, highlight=False))
    return out.getvalue()


OK = StackResult(
    part="public",
    stack="dev-public",
    status="ok",
    changes={"create": 3, "same": 1},
    duration_s=4.25,
)
BAD = StackResult(
    part="private", stack="dev-private", status="failed", error="cannot reach it\nfix: look"
)


def test_each_stack_has_its_row_and_each_error_its_line() -> None:
    """What was done, how long it took, what went wrong, that the rest stands."""
    text = told(OK, BAD, partial=True)
    assert "dev-public" in text
    assert "3 create, 1 same" in text
    assert "4.2" in text
    assert "dev-private  cannot reach it" in text
    assert "dev-private  fix: look" in text
    assert "partial: what is listed ok stands. fix the rest, then isthmus up dev again" in text


def test_drift_and_nothing_are_said() -> None:
    """Each in a line."""
    assert "drift" in told(OK, drift=True)
    assert "nothing is up" in told()


@pytest.mark.parametrize("name", ["", "Dev", "1dev", "dev-1", "../x", "a" * 17])
def test_a_name_that_is_none_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, with what was expected."""
    for command in (
        lambda: act("up", name, as_json=False),
        lambda: show_outputs(name, as_json=True),
    ):
        with pytest.raises(typer.Exit) as ended:
            command()
        assert ended.value.exit_code == 2
        assert "expected `local`, or" in capsys.readouterr().err


def test_outside_a_checkout_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3, and the directory stays as it was."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(typer.Exit) as ended:
        act("up", "dev", as_json=False)
    assert ended.value.exit_code == 3
    assert "Pulumi.yaml: not there" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_taking_down_what_holds_data_needs_its_name_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An environment of this machine needs it not."""
    refuse_unconfirmed_down("dev", "")
    refuse_unconfirmed_down("prod", "prod")
    for confirmed in ("", "dev", "Prod"):
        with pytest.raises(typer.Exit) as ended:
            refuse_unconfirmed_down("prod", confirmed)
        assert ended.value.exit_code == 2
        assert "--confirm prod" in capsys.readouterr().err
