"""An API server is found by its mark and name, stopped and let go on; another site's, or another program, is not."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.clusters_state import ClusterFiles
from local.site_control import api_state, freeze_api
from runtime.processes import MARK, Launch, end_processes, marked_processes, start_process

Start = Callable[[ClusterFiles, str], None]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Programs of any name that sleep."""
    begun = []

    def one(files: ClusterFiles, name: str) -> None:
        program = tmp_path / name
        if not program.exists():
            shutil.copy(shutil.which("sleep") or "", program)
        argv, environ = (str(program), "60"), {MARK: files.mark}
        begun.append(
            start_process(Launch(argv=argv, environ=environ, cwd="/", log=str(tmp_path / "log")))
        )

    yield one
    end_processes(begun, signum=signal.SIGKILL, grace_s=5)


def reaches(files: ClusterFiles, state: str) -> bool:
    deadline_s = time.monotonic() + 5
    while api_state(files) != state:
        if time.monotonic() > deadline_s:
            return False
    return True


def test_it_stops_and_goes_on(tmp_path: Path, start: Start) -> None:
    """Once each; nothing else of the cluster stops, and none is dead."""
    public, private = (ClusterFiles(tmp_path, "dev", site) for site in ("public", "private"))
    assert api_state(public) == "dead"
    assert not freeze_api(public, frozen=True)
    start(public, "kube-apiserver")
    start(public, "etcd")
    start(private, "kube-apiserver")
    assert reaches(public, "running")
    assert reaches(private, "running")
    assert freeze_api(public, frozen=True)
    assert reaches(public, "frozen")
    assert not freeze_api(public, frozen=True)
    assert api_state(private) == "running"
    assert freeze_api(public, frozen=False)
    assert reaches(public, "running")
    assert not freeze_api(public, frozen=False)
    assert len(marked_processes(public.mark)) == 2
