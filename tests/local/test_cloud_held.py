"""Who holds a cloud, and what a held one leaves behind; of the cloud only its record is real here."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import pytest

from contracts.cloud import CloudState, ProcessRecord
from local import cloud
from local.cloud import CloudUsageError, hold, reap, status
from local.plan import CloudOptions
from local.state import CloudFiles, Standing
from runtime.processes import start_ticks
from tests.local.grounds import ground_of

DEAD_PID = 4_194_999
"""Beyond the kernel's largest pid."""


def record(root: Path, *, keep: bool, without: bool = False, holder_pid: int = 0) -> CloudState:
    """What a cloud that is up leaves on disk; its one process is this one."""
    files, pid = CloudFiles(root), os.getpid()
    ticks = start_ticks(pid) or 0
    files.cloud.mkdir(parents=True, mode=0o700)
    process = ProcessRecord(
        name="ad-1", role="ads", site="public", pid=pid, start_ticks=ticks, argv=(), environ={},
        cwd="/", log="", ready="",
    )  # fmt: skip
    state = CloudState(
        id="x", root=str(files.cloud), temporary=str(root / "temporary"), owner_pid=pid,
        owner_start_ticks=ticks, keep=keep, policy="", topology="", endpoints={},
        processes=(process,),
    )  # fmt: skip
    files.write_standing(
        Standing(
            ground=ground_of(), without=("scan",) if without else (), ad_nodes=10, keep=keep,
            holder_pid=holder_pid, holder_start_ticks=start_ticks(holder_pid) or 1,
        )
    )  # fmt: skip
    files.write_state(state)
    return state


class SignalledError(Exception):
    """What the command's signal handler raises."""


def interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise SignalledError


def test_a_signal_just_after_the_last_process_started_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes when `up` is done and its caller does not have the cloud yet."""

    def up(root: Path, _options: CloudOptions, _progress: object) -> CloudState:
        state = record(root, keep=False)
        os.kill(os.getpid(), signal.SIGUSR1)
        return state

    monkeypatch.setattr(cloud, "up", up)
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(SignalledError), hold(tmp_path, CloudOptions()):
            pytest.fail("the signal was lost")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert CloudFiles(tmp_path).read_state() is None


LOST = """
import ctypes, sys
from pathlib import Path
from local import cloud
from local.plan import CloudOptions
from tests.local.test_cloud_held import record
cloud.up = lambda root, _options, _progress: record(root, keep=False)
block = cloud.hold(Path(sys.argv[1]), CloudOptions())
ctypes.pythonapi.Py_IncRef(ctypes.py_object(block.gen))  # no garbage collection closes it
block.__enter__()
assert cloud.CloudFiles(Path(sys.argv[1])).read_state() is not None
"""


def test_a_cloud_whose_holder_ends_without_leaving_the_block_goes_with_it(tmp_path: Path) -> None:
    """A signal between entering and the block's first step: the exit of the process ends it."""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", LOST, str(tmp_path)], cwd=root, check=True)
    assert CloudFiles(tmp_path).read_state() is None


HOLDER = """
import sys
from pathlib import Path
from local.state import CloudFiles
with CloudFiles(Path(sys.argv[1])).run_lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_series_holds_it_and_so_does_each_of_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same process may hold it again; another one may not, until the outermost block is left."""
    monkeypatch.setattr(cloud, "up", lambda root, _options, _progress: record(root, keep=False))
    monkeypatch.setattr(
        cloud, "reconcile", lambda root, _options, _progress: CloudFiles(root).read_state()
    )
    with hold(tmp_path, CloudOptions()) as outer:
        for _ in range(2):
            with hold(tmp_path, CloudOptions(without=frozenset({"scan"}))) as inner:
                assert inner == outer
        assert CloudFiles(tmp_path).read_state() == outer
        assert holding(tmp_path) == 1
    assert holding(tmp_path) == 0


def holding(root: Path) -> int:
    """The exit code of another process that asks for the run lock."""
    asked = subprocess.run(
        [sys.executable, "-c", HOLDER, str(root)], cwd=Path(__file__).parents[2], check=False,
        capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return asked.returncode


def test_a_second_command_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    """What, who, expected, fix, before anything is touched; afterwards it is free."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        expected = rf"\.isthmus/run\.lock: held by process {holder.pid} .*fix:"
        with (
            pytest.raises(CloudUsageError, match=expected),
            hold(tmp_path, CloudOptions()),
        ):
            pytest.fail("held twice")
        assert not CloudFiles(tmp_path).cloud.exists()


@pytest.mark.parametrize(
    ("without", "holder_pid", "left_by"),
    [
        (True, DEAD_PID, DEAD_PID),
        (True, os.getpid(), None),
        (False, 0, None),
    ],
)
def test_status_says_who_left_a_mechanism_off(
    tmp_path: Path, without: bool, holder_pid: int, left_by: int | None  # noqa: FBT001
) -> None:  # fmt: skip
    """Only if that process is gone; asking changes nothing."""
    record(tmp_path, keep=True, without=without, holder_pid=holder_pid)
    files = CloudFiles(tmp_path)
    before = (files.read_state(), files.read_standing())
    found = status(tmp_path)
    assert found is not None
    assert found.left_by == left_by
    assert found.without == (("scan",) if without else ())
    assert (files.read_state(), files.read_standing()) == before


def test_reap_switches_on_what_was_left_off_and_only_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder that is there undoes it itself."""
    changed: list[CloudOptions] = []
    monkeypatch.setattr(cloud, "fetch_kafka", lambda _home, **_how: tmp_path)
    monkeypatch.setattr(
        cloud, "change_cloud", lambda _running, options, _progress: changed.append(options)
    )
    record(tmp_path, keep=True, without=True, holder_pid=os.getpid())
    assert not reap(tmp_path)
    files = CloudFiles(tmp_path)
    files.write_standing(
        Standing(ground=ground_of(), without=("scan",), ad_nodes=10, keep=True, holder_pid=DEAD_PID)
    )
    assert reap(tmp_path)
    assert [it.without for it in changed] == [frozenset()]
