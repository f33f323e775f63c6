"""One environment for one command at a time, and what is said when it cannot be worked on."""

import os
import stat
from pathlib import Path

import pytest

from infra.engine.holders import HeldError
from infra.workspace import Workspace, WorkspaceError


def quiet(_text: str) -> None:
    pass


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A checkout with a `pulumi` that knows its version and fails at everything else."""
    (tmp_path / "Pulumi.yaml").touch()
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(
        '#!/bin/sh\n[ "$1" = version ] && { echo v3.259.0; exit; }\n'
        'echo "error: incorrect passphrase" >&2\nexit 255\n'
    )
    pulumi.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    monkeypatch.setenv("PATH", environ["PATH"])
    return environ


def test_outside_a_checkout_it_says_what_was_expected(tmp_path: Path) -> None:
    """And makes nothing."""
    with pytest.raises(WorkspaceError, match=r"Pulumi\.yaml: not there; .*fix:"):
        Workspace(tmp_path, "dev", say=quiet)
    assert list(tmp_path.iterdir()) == []


def test_without_pulumi_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a traceback."""
    (tmp_path / "Pulumi.yaml").touch()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(WorkspaceError, match="fix: make toolchain"):
        Workspace(tmp_path, "dev", say=quiet, environ={"PATH": "/nowhere"})


def test_one_command_at_a_time_works_on_an_environment(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """The second is told who has it; another environment is free meanwhile."""
    dev, other = (Workspace(tmp_path, name, say=quiet, environ=environ) for name in ("dev", "it"))
    with (
        dev.held(),
        other.held(),
        pytest.raises(HeldError, match=rf"^dev: process {os.getpid()} \(.*\) works on it") as held,
        dev.held(),
    ):
        pytest.fail("held twice")
    assert held.value.pid == os.getpid()
    with dev.held():
        pass


def test_a_passphrase_that_is_not_the_stacks_is_named(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """Where it was taken from, and how to name another; as an error, and as the result of an action."""
    dev = Workspace(tmp_path, "dev", say=quiet, environ=environ)
    with pytest.raises(WorkspaceError, match=r"/passphrase is not the one .* fix: name it in"):
        dev.present()
    found = dev.act("up", "public")
    assert (found.stack, found.status) == ("dev-public", "failed")
    assert "fix: name it in PULUMI_CONFIG_PASSPHRASE_FILE" in found.error


def test_nothing_of_it_is_readable_by_others(tmp_path: Path, environ: dict[str, str]) -> None:
    """State, passphrase and lock stand in a directory of ours alone."""
    with Workspace(tmp_path, "dev", say=quiet, environ=environ).held():
        home = tmp_path / ".isthmus" / "pulumi"
        for path in (home, home / "state", home / "passphrase", home / "dev.lock"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
