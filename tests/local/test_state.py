"""What is on disk about a cloud."""

import multiprocessing
from pathlib import Path

import pytest

from contracts.cloud import CloudState, ProcessRecord
from local import state
from local.state import CloudFiles, Standing
from runtime.locks import LockHeldError
from tests.local.grounds import ground_of


def some_state(root: Path) -> CloudState:
    return CloudState(
        id="x", root=str(root), temporary="/tmp/none", owner_pid=1, owner_start_ticks=1, keep=False,
        policy="", topology="", endpoints={}, processes=(),
    )  # fmt: skip


def record(name: str, pid: int) -> ProcessRecord:
    return ProcessRecord(
        name=name, role="ads", site="public", pid=pid, start_ticks=1, argv=(), environ={}, cwd="/",
        log="", ready="",
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> CloudFiles:
    it = CloudFiles(tmp_path)
    it.cloud.mkdir(parents=True)
    return it


def test_state_and_ground_come_back_as_written(files: CloudFiles) -> None:
    """Whole files of mode 0600, no scratch left."""
    wanted, ground = some_state(files.cloud), ground_of()
    standing = Standing(ground=ground, without=("eos",), ad_nodes=10, keep=True)
    files.write_state(wanted)
    files.write_standing(standing)
    assert files.read_state() == wanted
    assert files.read_standing() == standing
    assert standing.options().without == frozenset({"eos"})
    assert files.state_path.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in files.cloud.iterdir()} == {"state.json", "ground.json"}


def test_nothing_or_rubbish_reads_as_no_cloud(files: CloudFiles) -> None:
    """A missing or damaged state is no state, never an exception half-way through a command."""
    assert files.read_state() is None
    files.state_path.write_bytes(b"\x00{")
    assert files.read_state() is None


def test_a_record_replaces_one_of_its_name(files: CloudFiles) -> None:
    """A restarted process is in the state once."""
    files.write_state(some_state(files.cloud))
    files.record(record("ad-1", 10))
    files.record(record("ad-2", 11))
    files.record(record("ad-1", 12))
    found = files.read_state()
    assert found is not None
    assert {(it.name, it.pid) for it in found.processes} == {("ad-1", 12), ("ad-2", 11)}


def hold_and_die(root: str, held: "multiprocessing.synchronize.Event") -> None:
    with CloudFiles(Path(root)).command_lock():
        held.set()
        multiprocessing.Event().wait()


def test_one_command_at_a_time_and_death_frees_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second command waits and then says who is in the way; a killed holder holds nothing."""
    monkeypatch.setattr(state, "COMMAND_WAIT_S", 0.1)
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    other = context.Process(target=hold_and_die, args=(str(tmp_path), held))
    other.start()
    assert held.wait(20)
    with (
        pytest.raises(LockHeldError, match=rf"held by process {other.pid} "),
        CloudFiles(tmp_path).command_lock(),
    ):
        pass
    other.kill()
    other.join()
    other.close()
    with CloudFiles(tmp_path).command_lock():
        pass
