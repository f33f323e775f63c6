"""Whose processes a control plane's are, and what is said when it does not come up; a real one is in tests/e2e."""

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.cluster import ClusterSpec
from local import clusters_control
from local.clusters_block import Block
from local.clusters_control import ControlError, ControlPlane, control_processes, endpoint
from local.clusters_state import ClusterFiles, Record
from runtime.processes import (
    MARK,
    Launch,
    Process,
    end_processes,
    is_alive,
    marked_processes,
    start_process,
)

NET = Block(base=96, id="1a2b").site("public")
SPEC = ClusterSpec(environment="dev", site="public", pools=())
RECORD = Record(identifier="i", spec=SPEC)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ClusterFiles]:
    found = ClusterFiles(tmp_path, "dev", "public")
    found.make()
    yield found
    end_processes(marked_processes(found.mark), signum=signal.SIGKILL, grace_s=5)


def sleeper(files: ClusterFiles, name: str) -> Process:
    """A process of that name with the cluster's mark."""
    sleep = shutil.which("sleep")
    assert sleep
    program = shutil.copy(sleep, files.site / name)
    started = start_process(
        Launch(argv=(program, "60"), environ={MARK: files.mark}, cwd="/", log=str(files.logs / "l"))
    )
    comm = Path(f"/proc/{started.pid}/comm")
    deadline = time.monotonic() + 5
    while comm.read_text().strip() != name[:15] and time.monotonic() < deadline:
        time.sleep(0.005)
    return started


def plane(files: ClusterFiles, monkeypatch: pytest.MonkeyPatch, script: str) -> ControlPlane:
    """One whose kwokctl is `script`, run outside of any namespace."""
    monkeypatch.setattr(clusters_control, "inside", lambda _, *command: command)
    monkeypatch.setattr(clusters_control, "READY_S_MAX", 0.5)
    engines = files.home / "bin"
    engines.mkdir()
    (engines / "kwokctl").write_text(f"#!/bin/sh\n{script}\n")
    (engines / "kwokctl").chmod(0o755)
    return ControlPlane(files, NET, engines)


def test_agents_and_add_ons_are_no_part_of_a_control_plane(files: ClusterFiles) -> None:
    """Restarting it ends only its own programs; long names are cut as the kernel cuts them."""
    own = [sleeper(files, name) for name in ("etcd", "kube-controller-manager", "kwok-controller")]
    other = sleeper(files, "metrics-server")
    assert control_processes([*own, other]) == own


def test_a_kwokctl_that_does_nothing_and_says_it_is_well_is_found_out(
    files: ClusterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exit code is 0 also when no cluster came up: logs and fix are named."""
    with pytest.raises(ControlError, match=r"no certificates.*kwokctl\.log.*apply again"):
        plane(files, monkeypatch, "exit 0").ensure(RECORD)


def test_a_kwokctl_that_never_ends_is_not_waited_for(
    files: ClusterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up after the longest a cluster takes."""
    with pytest.raises(ControlError, match="still at it"):
        plane(files, monkeypatch, "exec sleep 60").ensure(RECORD)


def test_what_a_killed_run_left_is_ended_before_anything_starts(
    files: ClusterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its programs nor its data are trusted while the cluster was never ready."""
    left = sleeper(files, "etcd")
    (files.kwok / "clusters").mkdir(parents=True)
    (files.kwok / "clusters" / "old").touch()
    with pytest.raises(ControlError):
        plane(files, monkeypatch, "exit 0").ensure(RECORD)
    assert not is_alive(left)
    assert not (files.kwok / "clusters" / "old").exists()


def test_data_of_a_cluster_that_was_ready_once_is_kept(
    files: ClusterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is started again, not made anew; old process numbers are forgotten."""
    home = files.kwok / "clusters" / "isthmus"
    for name in ("pids", "pki", "etcd"):
        (home / name).mkdir(parents=True)
    for name in ("ca.crt", "admin.crt", "admin.key"):
        (home / "pki" / name).touch()
    (home / "pids" / "etcd.pid").write_text("1")
    told = files.site / "told"
    formed = Record(identifier="i", spec=SPEC, formed=True)
    with pytest.raises(ControlError, match=r"not ready.*10\.96\.0\.2:6443"):
        plane(files, monkeypatch, f'echo "$*" > "{told}"').ensure(formed)
    assert told.read_text().startswith("start cluster")
    assert (home / "etcd").is_dir()
    assert list((home / "pids").iterdir()) == []


def test_the_endpoint_is_the_management_address() -> None:
    """Cutting the site link never cuts whoever provisions."""
    assert endpoint(NET) == "https://10.96.0.2:6443"
