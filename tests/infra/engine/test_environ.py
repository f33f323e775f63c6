"""What the engine is told, and where it keeps things."""

import os
from pathlib import Path

import pytest

from infra.engine.environ import (
    PROVIDER,
    PROVIDER_DIRECTORY,
    engine_environ,
    mark_of,
    missing_programs,
)
from runtime.processes import MARK


def test_everything_stays_in_the_checkout(tmp_path: Path) -> None:
    """State, plugins and passphrase, readable by us alone; a second start finds the same passphrase."""
    environ = engine_environ(tmp_path, "dev", {"PATH": "/bin"})
    home = tmp_path / ".isthmus" / "pulumi"
    assert environ["PULUMI_BACKEND_URL"] == f"file://{home / 'state'}"
    assert environ["PULUMI_HOME"] == str(home / "home")
    assert environ["PATH"] == f"{tmp_path / '.isthmus' / 'bin'}:/bin"
    passphrase = Path(environ["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert passphrase.stat().st_mode & 0o777 == 0o600
    secret = passphrase.read_text()
    assert len(secret) > 32
    again = engine_environ(tmp_path, "dev", {})
    assert again["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(passphrase)
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
    environ = engine_environ(tmp_path, "dev", theirs)
    assert {key: environ.get(key, theirs[key]) for key in theirs} == theirs
    assert not (tmp_path / ".isthmus").exists()


def test_a_provider_built_here_is_offered_where_the_engine_looks_first(tmp_path: Path) -> None:
    """By a link that follows the built one; none is made for nothing."""
    engine_environ(tmp_path, "dev", {})
    offered = tmp_path / ".isthmus/pulumi/home/plugins" / PROVIDER_DIRECTORY / PROVIDER
    assert not offered.exists()
    built = tmp_path / ".isthmus" / "bin" / offered.name
    built.parent.mkdir(parents=True)
    built.write_text("engine")
    for _ in range(2):
        engine_environ(tmp_path, "dev", {})
        assert offered.read_text() == "engine"


def test_processes_of_two_environments_are_told_apart(tmp_path: Path) -> None:
    """Each carries its own mark, the same by whichever path the checkout is reached."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    assert engine_environ(tmp_path, "a", {})[MARK] == mark_of(link, "a") != mark_of(tmp_path, "b")


def test_each_program_of_the_engine_is_missed_by_name(tmp_path: Path) -> None:
    """One on PATH is there, the provider among the plugins too; nothing is made by looking."""
    environ = {"PATH": str(tmp_path / "bin")}
    assert missing_programs(tmp_path, environ) == ("pulumi", "pulumi-language-python", PROVIDER)
    assert list(tmp_path.iterdir()) == []
    plugin = tmp_path / ".isthmus/pulumi/home/plugins/resource-kubernetes-v4.99.0" / PROVIDER
    for path in (tmp_path / "bin/pulumi", plugin):
        path.parent.mkdir(parents=True)
        path.touch()
        os.chmod(path, 0o755)  # noqa: PTH101 - a mode, plainly
    assert missing_programs(tmp_path, environ) == ("pulumi-language-python",)
