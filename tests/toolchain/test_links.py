"""`.isthmus/bin` holds what was found, and a language host only for a Pulumi that was built here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolchain.engines import Found
from toolchain.links import HOST, link_all


def made(root: Path, module: str, *names: str) -> Path:
    """A directory of the cache with these programs in it."""
    directory = root / "engines" / module
    directory.mkdir(parents=True)
    for name in names:
        (directory / name).write_text("#!/bin/sh\necho run\n")
        (directory / name).chmod(0o755)
    return directory


def found(path: Path, *, built: bool = True) -> Found:
    return Found(
        name=path.name, module=path.parent.name, origin="cache" if built else "path", path=str(path),
        version="1", expected="1",
    )  # fmt: skip


@pytest.fixture
def links(tmp_path: Path) -> Path:
    directory = tmp_path / "links"
    directory.mkdir()
    return directory


def test_links_follow_what_is_found_and_leave_others_files_alone(
    tmp_path: Path, links: Path
) -> None:
    """Scripts beside a built engine come with it; links of engines that are gone go."""
    engine = made(tmp_path, "demo", "server", "script") / "server"
    (links / "old").symlink_to("/nowhere")
    (links / "mine").write_text("a file of somebody else")
    for _ in range(2):
        link_all((found(engine),), links)
        assert sorted(it.name for it in links.iterdir()) == ["mine", "script", "server"]
        assert (links / "server").readlink() == engine


def test_a_built_pulumi_gets_a_host_beside_itself(tmp_path: Path, links: Path) -> None:
    """Its own file, not a link: it looks for its host where it really stands. The host runs on our Python."""
    pulumi = made(tmp_path, "pulumi", "pulumi", "pulumi-language-python-exec") / "pulumi"
    for _ in range(2):
        link_all((found(pulumi),), links)
        assert not (links / "pulumi").is_symlink()
        assert (links / "pulumi").read_bytes() == pulumi.read_bytes()
        assert os.access(links / "pulumi", os.X_OK)
    assert (links / HOST).read_text().startswith(f"#!{sys.executable}\n")
    asked = subprocess.run([links / HOST], check=False, capture_output=True, text=True)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "pulumi starts it" in asked.stderr
    pulumi.write_text("#!/bin/sh\necho newer\n")
    link_all((found(pulumi),), links)
    assert "newer" in (links / "pulumi").read_text()


def test_an_installed_pulumi_keeps_its_own_host(tmp_path: Path, links: Path) -> None:
    """It is linked where it is; a host left from a built one goes."""
    pulumi = made(tmp_path, "pulumi", "pulumi") / "pulumi"
    link_all((found(pulumi),), links)
    installed = made(tmp_path / "usr", "bin", "pulumi") / "pulumi"
    link_all((found(installed, built=False),), links)
    assert (links / "pulumi").readlink() == installed
    assert not (links / HOST).exists()


def test_nothing_is_linked_for_what_is_missing(links: Path) -> None:
    """No dangling name."""
    link_all((Found(name="etcd", module="etcd", origin="missing", expected="3"),), links)
    assert list(links.iterdir()) == []
