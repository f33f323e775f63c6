"""Where the engine keeps an environment, what it is told, and what people are told of its errors."""

import os
from pathlib import Path

import pytest

from infra.workspace import PROVIDER_DIRECTORY, Workspace, WorkspaceError, engine_environ, reason_of
from runtime.locks import LockHeldError


def quiet(_text: str) -> None:
    pass


def test_everything_stays_in_the_checkout(tmp_path: Path) -> None:
    """State, plugins and passphrase, readable by us alone; a second start finds the same passphrase."""
    environ = engine_environ(tmp_path, {"PATH": "/bin"})
    home = tmp_path / ".isthmus" / "pulumi"
    assert environ["PULUMI_BACKEND_URL"] == f"file://{home / 'state'}"
    assert environ["PULUMI_HOME"] == str(home / "home")
    assert environ["PATH"] == f"{tmp_path / '.isthmus' / 'bin'}:/bin"
    passphrase = Path(environ["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert passphrase.stat().st_mode & 0o777 == 0o600
    secret = passphrase.read_text()
    assert len(secret) > 32
    assert engine_environ(tmp_path, {})["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(passphrase)
    assert passphrase.read_text() == secret
    assert [it.name for it in home.iterdir() if it.is_file()] == ["passphrase"]


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_what_the_user_has_set_stands(name: str, tmp_path: Path) -> None:
    """No passphrase of ours is made, no place of ours is used."""
    theirs = {
        name: "x",
        "PULUMI_BACKEND_URL": "s3://b",
        "PULUMI_HOME": "/h",
        "PULUMI_PYTHON_CMD": "/p",
    }
    environ = engine_environ(tmp_path, theirs)
    assert {key: environ.get(key, theirs[key]) for key in theirs} == theirs
    assert not (tmp_path / ".isthmus").exists()


def test_a_provider_built_here_is_offered_where_the_engine_looks_first(tmp_path: Path) -> None:
    """By a link that follows the built one; none is made for nothing."""
    engine_environ(tmp_path, {})
    offered = (
        tmp_path
        / ".isthmus/pulumi/home/plugins"
        / PROVIDER_DIRECTORY
        / "pulumi-resource-kubernetes"
    )
    assert not offered.exists()
    built = tmp_path / ".isthmus" / "bin" / offered.name
    built.parent.mkdir(parents=True)
    built.write_text("engine")
    for _ in range(2):
        engine_environ(tmp_path, {})
        assert offered.read_text() == "engine"


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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another environment is free meanwhile."""
    (tmp_path / "Pulumi.yaml").touch()
    pulumi = tmp_path / "pulumi"
    pulumi.write_text("#!/bin/sh\necho v3.259.0\n")
    pulumi.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    monkeypatch.setenv("PATH", environ["PATH"])
    dev, other = (Workspace(tmp_path, name, say=quiet, environ=environ) for name in ("dev", "it"))
    with (
        dev.held(),
        other.held(),
        pytest.raises(LockHeldError, match=r"dev\.lock: held by process"),
        dev.held(),
    ):
        pytest.fail("held twice")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x\nerror: a is wrong\n  error: a is wrong\nerror: update failed\n", "a is wrong"),
        ("error: update failed", "update failed"),
        ("one\ntwo\nthree\nfour\n", "two\nthree\nfour"),
        ("type res  error: cannot reach https://10.0.0.1\n", "cannot reach https://10.0.0.1"),
        ("", ""),
    ],
)
def test_people_are_told_the_errors_and_not_the_progress(text: str, reason: str) -> None:
    """Each once; that a run failed is left out where it also says why."""
    assert reason_of(text) == reason
