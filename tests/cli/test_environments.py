"""What a person is told of an environment's stacks, and the exit code behind it."""

import io
import os
from pathlib import Path

import pytest
import typer
from rich.console import Console

from cli.environments import act, print_summary, refuse_unconfirmed_down, show_outputs
from infra.orchestrate import Action, StackResult, Summary

ROOT = Path(__file__).parents[2]


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


def test_what_is_still_to_come_is_said_beside_its_stack() -> None:
    """A note is no error, and the environment is partial."""
    note = StackResult(part="fabric", stack="dev-fabric", status="ok", note="without public: later")
    text = told(OK, note, partial=True)
    assert "dev-fabric  without public: later" in text
    assert "partial" in text


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


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout nobody has built anything in, and a user who is not root."""
    (tmp_path / "Pulumi.yaml").touch()
    (tmp_path / "local").symlink_to(ROOT / "local")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path


def refused(action: Action, environment: str) -> int:
    with pytest.raises(typer.Exit) as ended:
        act(action, environment, as_json=False)
    return ended.value.exit_code


def test_a_newcomer_reads_everything_that_is_missing_and_what_runs_without(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Engines, root and commands in one run, each with its fix; nothing is made. Exit 3."""
    assert refused("up", "dev") == 3
    heading, *problems, hint = capsys.readouterr().err.splitlines()
    assert heading == "isthmus up dev: nothing was changed. In the way:"
    assert problems[0].startswith(
        "  pulumi, pulumi-language-python, pulumi-resource-kubernetes: neither"
    )
    assert any("user 1000 is not root" in it for it in problems)
    assert all("fix: " in it for it in problems)
    assert (
        hint
        == "Without engines and without root: isthmus up local, the same two sites as processes."
    )
    assert sorted(it.name for it in fresh.iterdir()) == ["Pulumi.yaml", "local"]


def test_where_the_clusters_are_elsewhere_only_the_engine_is_missed(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root and namespaces are nobody's business then, nor in commands that make nothing."""
    assert refused("preview", "dev") == 3
    (fresh / "Pulumi.prod-public.yaml").write_text("config: {isthmus:driver: eks}\n")
    assert refused("up", "prod") == 3
    told = capsys.readouterr().err
    assert "root" not in told
    assert told.count("fix: make toolchain") == 2


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
