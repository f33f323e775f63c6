"""The command tree as a new user meets it."""

import subprocess
import sys

import pytest

from cli.demo_runs import RUNS_KEPT


def isthmus(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *words], check=False, capture_output=True, text=True
    )


def test_help_lists_every_command() -> None:
    """One screen names what there is."""
    told = isthmus("--help")
    assert told.returncode == 0
    for command in ("demo", "controls", "up", "down", "status", "policy", "router", "bridge", "chaos", "audit", "autoscale", "load"):  # fmt: skip
        assert command in told.stdout


@pytest.mark.parametrize("command", ["demo", "controls", "up", "down", "status", "version"])
def test_every_command_s_help_has_an_example(command: str) -> None:
    """--help shows how it is called."""
    told = isthmus(command, "--help")
    assert told.returncode == 0
    assert f"Example: isthmus {command}" in " ".join(told.stdout.split())


def test_the_demo_says_how_many_runs_it_keeps() -> None:
    """Nobody is surprised that an old report is gone."""
    told = " ".join(isthmus("demo", "--help").stdout.split())
    assert f"the newest {RUNS_KEPT} runs are kept" in told


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("demo", "--without", "hope"),
        ("demo", "--rate"),
        ("up", "local", "--core-port=99999"),
        ("demo", "--seed=99999999999999999999"),
        ("demo", "--seed=-1"),
    ],
)
def test_what_is_not_understood_exits_2_and_is_named(words: tuple[str, ...]) -> None:
    """A wrong word is repeated back."""
    told = isthmus(*words)
    assert told.returncode == 2
    assert words[-1].partition("=")[0] in told.stderr
    assert "python -m" not in told.stderr


def test_version_is_the_project_s() -> None:
    """`isthmus version` prints name and number."""
    assert isthmus("version").stdout.startswith("isthmus 0.")
