"""A cluster taken away without a record of anything: by mark and by names; what is the other site's stays."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.cluster import ClusterSpec
from local import clusters_ending
from local.agent_cgroup import Cgroup, Hierarchies
from local.clusters_block import Block
from local.clusters_ending import Ending
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

pytestmark = pytest.mark.skipif(shutil.which("ip") is None, reason="no ip command (iproute2)")
BLOCK = Block(base=96, id="1a2b")


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[dict[str, ClusterFiles]]:
    found = {site: ClusterFiles(tmp_path, "dev", site) for site in ("public", "private")}
    for files in found.values():
        files.make()
    yield found
    for files in found.values():
        end_processes(marked_processes(files.mark), signum=signal.SIGKILL, grace_s=5)


def stubborn(files: ClusterFiles) -> Process:
    """A process that does not end when asked, as an API server without its etcd."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    log = str(files.logs / "l")
    return start_process(
        Launch(argv=(sys.executable, "-c", code), environ={MARK: files.mark}, cwd="/", log=log)
    )


def test_processes_and_files_go_and_the_other_site_stays(sites: dict[str, ClusterFiles]) -> None:
    """Also ones that ignore being asked; the addresses stay until the last site goes."""
    public, private = sites["public"], sites["private"]
    public.write_block(BLOCK)
    ours, theirs = stubborn(public), stubborn(private)
    Ending(public, "public", None).run()
    assert not is_alive(ours)
    assert is_alive(theirs)
    assert not public.site.exists()
    assert private.read_block() == BLOCK
    Ending(private, "private", None).run()
    assert not private.environment.exists()


def test_a_delete_that_was_killed_left_no_cluster_to_start_again(
    sites: dict[str, ClusterFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record goes first: what data is left is not taken for that of a cluster that was ready."""
    files = sites["public"]
    spec = ClusterSpec(environment="dev", site="public", pools=())
    files.write_record(Record(identifier="i", spec=spec, formed=True))
    monkeypatch.setattr(clusters_ending, "marked_processes", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Ending(files, "public", None).run()
    assert files.read_record() is None


def test_a_cluster_that_never_was_is_taken_away_in_peace(tmp_path: Path) -> None:
    """Nothing is there, nothing is made but the lock, nothing is wrong; twice as well."""
    files = ClusterFiles(tmp_path, "dev", "public")
    for _ in range(2):
        Ending(files, "public", None).run()
    assert not files.environment.exists()


def test_control_groups_go_without_processes_in_them(
    sites: dict[str, ClusterFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nodes, pods and the environment's own directory; the other site's keep it."""
    monkeypatch.setattr(Cgroup, "kill", lambda _: None)  # it would make a file in a plain directory
    public, private = sites["public"], sites["private"]
    public.write_block(BLOCK)
    groups = Hierarchies(unified=str(public.home / "cgroup"))
    base = Path(groups.unified, "isthmus-1a2b")
    for path in ("public/core-1/uid-a", "public/core-1/agent", "private/core-1/uid-b"):
        (base / path).mkdir(parents=True)
    Ending(public, "public", groups).run()
    assert not (base / "public").exists()
    assert (base / "private/core-1/uid-b").is_dir()
    Ending(private, "private", groups).run()
    assert not base.exists()


@pytest.mark.parametrize(
    ("peer_there", "inside", "goes"),
    [
        (True, ("10.97.1.7",), True),
        (True, ("10.98.1.7",), False),
        (True, (), False),
        (False, (), True),
        (False, ("10.98.1.7",), True),
    ],
)
def test_pods_of_the_other_site_keep_their_namespaces(
    sites: dict[str, ClusterFiles], monkeypatch: pytest.MonkeyPatch, inside: tuple[str, ...],
    *, peer_there: bool, goes: bool,
) -> None:  # fmt: skip
    """Names do not tell sites apart, addresses do; one without any may be just in the making over there."""
    files = sites["public"]
    files.write_block(BLOCK)
    removed: list[str] = []
    peer = BLOCK.site("private").namespace
    monkeypatch.setattr(clusters_ending, "exists", lambda name: name == peer and peer_there)
    monkeypatch.setattr(clusters_ending, "namespaces", lambda _: ("is1a2b-00c0ffee",))
    monkeypatch.setattr(clusters_ending, "addresses", lambda _: inside)
    monkeypatch.setattr(clusters_ending, "processes_in", lambda _: ())
    monkeypatch.setattr(clusters_ending, "remove", removed.append)
    monkeypatch.setattr(clusters_ending, "remove_interface", removed.append)
    Ending(files, "public", None).run()
    assert ("is1a2b-00c0ffee" in removed) == goes
    assert {"is1a2b-pub", "ism1a2bp"} <= set(removed)


def test_what_still_runs_in_a_namespace_is_ended_with_it(
    sites: dict[str, ClusterFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would hold the interfaces long after the name is gone."""
    files = sites["public"]
    files.write_block(BLOCK)
    own = BLOCK.site("public").namespace
    log = str(files.logs / "l")
    stray = start_process(Launch(argv=("sleep", "60"), cwd="/", log=log))
    monkeypatch.setattr(clusters_ending, "exists", lambda name: name == own)
    monkeypatch.setattr(
        clusters_ending, "processes_in", lambda _: (stray.pid,) if is_alive(stray) else ()
    )
    monkeypatch.setattr(clusters_ending, "remove", lambda _: None)
    Ending(files, "public", None).run()
    assert not is_alive(stray)
    assert stray.pid != os.getpid()
