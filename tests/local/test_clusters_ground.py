"""What this machine lacks is named, all of it, before anything is touched."""

import os
from pathlib import Path

import pytest

from contracts.cluster import ClusterSpec, NodePool
from local import clusters_ground
from local.clusters_agents import CODE
from local.clusters_ground import (
    COMMANDS,
    GroundError,
    engines_directory,
    groups,
    require,
    require_machine,
)
from local.clusters_kwok import COMPONENTS

PROCESS = NodePool(name="core", nodes=1, runtime="process", traffic_class="public")


def spec(*, metrics: bool = False, prometheus: bool = False, process: bool = False) -> ClusterSpec:
    pools = (PROCESS,) if process else ()
    return ClusterSpec(
        environment="dev", site="public", pools=pools, metrics=metrics, prometheus=prometheus
    )


def executable(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with every engine but the add-ons, on a machine that has everything."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for name in COMMANDS:
        executable(tmp_path / "commands" / name)
    monkeypatch.setenv("PATH", str(tmp_path / "commands"))
    for name in (*COMPONENTS, "kwokctl", "kubectl"):
        executable(tmp_path / ".isthmus" / "bin" / name)
    return tmp_path


def test_a_machine_with_everything_is_taken(root: Path) -> None:
    """The engines of the checkout are the ones used."""
    assert require(spec(), root) == root / ".isthmus" / "bin"
    require_machine()


def test_nobody_but_root_begins(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who it is, why root, and what needs none."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(GroundError, match=r"user 1000 is not root.*fix: .*isthmus up local"):
        require(spec(), root)
    with pytest.raises(GroundError, match="root"):
        require_machine()


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        (spec(metrics=True), "metrics-server"),
        (spec(prometheus=True), "prometheus"),
        (spec(metrics=True, prometheus=True), "metrics-server, prometheus"),
    ],
)
def test_missing_engines_are_named_with_how_to_get_them(
    root: Path, asked: ClusterSpec, missing: str
) -> None:
    """Only those the spec needs."""
    with pytest.raises(GroundError, match=f"no {missing}; .*fix: make toolchain"):
        require(asked, root)


def test_an_engine_that_cannot_be_run_is_missing(root: Path) -> None:
    """A file is not enough."""
    (root / ".isthmus" / "bin" / "etcd").chmod(0o644)
    (root / ".isthmus" / "bin" / "kwok").unlink()
    with pytest.raises(GroundError, match="no etcd, kwok;"):
        require(spec(), root)


def test_every_lack_is_told_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each: commands with their package, engines, control groups."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(clusters_ground, "groups", lambda: None)
    with pytest.raises(GroundError) as caught:
        require(spec(metrics=True, process=True), root)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(COMMANDS) + 2
    assert all("fix: " in line for line in lines)
    assert "apt-get install iproute2" in str(caught.value)


def test_fake_nodes_need_no_control_groups(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only process nodes do."""
    monkeypatch.setattr(clusters_ground, "groups", lambda: None)
    require(spec(), root)
    with pytest.raises(GroundError, match="cgroup v2"):
        require(spec(process=True), root)


def test_a_checkout_without_engines_uses_those_of_the_program(tmp_path: Path) -> None:
    """So that a state directory elsewhere needs no engines of its own."""
    assert engines_directory(tmp_path) == CODE / ".isthmus" / "bin"


def test_control_groups_are_found_or_not_without_failing() -> None:
    """Whatever machine this is."""
    found = groups()
    assert found is None or Path(found.unified).is_dir()
