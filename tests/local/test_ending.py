"""Nothing of a cloud is left, whatever state its command died in."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from contracts.cloud import CloudState, ProcessRecord
from local.ending import RemainsError, end_cloud, is_abandoned
from local.state import CloudFiles, Standing
from runtime.processes import (
    MARK,
    Launch,
    Process,
    end_processes,
    is_alive,
    start_process,
    start_ticks,
)
from tests.local.grounds import ground_of

DEAD_PID = 4_194_999
"""Beyond the kernel's largest pid."""


class Remains:
    """A cloud directory as a dead command may have left it."""

    def __init__(self, root: Path) -> None:
        self.files = CloudFiles(root)
        self.files.cloud.mkdir(parents=True, mode=0o700)
        self.temporary = root / "temporary"
        self.started: list[Process] = []

    def process(self, mark: str = "") -> Process:
        launch = Launch(
            argv=(sys.executable, "-c", "import time; time.sleep(60)"),
            environ={MARK: mark or str(self.files.cloud)}, cwd="/", log=str(self.files.home / "log"),
        )  # fmt: skip
        self.started.append(start_process(launch))
        return self.started[-1]

    def state(
        self, *, owner: Process, keep: bool = False, processes: tuple[Process, ...] = ()
    ) -> None:
        records = tuple(
            ProcessRecord(
                name=f"p{n}", role="ads", site="public", pid=it.pid, start_ticks=it.start_ticks,
                argv=(), environ={}, cwd="/", log="", ready="",
            )
            for n, it in enumerate(processes)
        )  # fmt: skip
        self.files.write_state(
            CloudState(
                id="x", root=str(self.files.cloud), temporary=str(self.temporary),
                owner_pid=owner.pid, owner_start_ticks=owner.start_ticks, keep=keep,
                policy="", topology="", endpoints={}, processes=records,
            )
        )  # fmt: skip


@pytest.fixture
def remains(tmp_path: Path) -> Iterator[Remains]:
    it = Remains(tmp_path)
    yield it
    end_processes(it.started, signum=signal.SIGKILL, grace_s=5)


def ourselves() -> Process:
    return Process(pid=os.getpid(), start_ticks=start_ticks(os.getpid()) or 0)


GONE = Process(pid=DEAD_PID, start_ticks=1)


def test_killed_before_the_temporary_directory_was_made(remains: Remains) -> None:
    """The state alone is enough to know that there is nothing more."""
    remains.state(owner=GONE)
    assert is_abandoned(remains.files)
    assert end_cloud(remains.files)
    assert remains.files.read_state() is None


def test_killed_with_processes_on_and_off_record(remains: Remains) -> None:
    """Both end, the temporary directory goes, the logs stay."""
    remains.temporary.mkdir()
    (remains.temporary / "socket").touch()
    (remains.files.cloud / "logs").mkdir()
    (remains.files.cloud / "kafka-public").mkdir()
    recorded, unrecorded = remains.process(), remains.process()
    remains.state(owner=GONE, processes=(recorded,))
    assert is_abandoned(remains.files)
    assert end_cloud(remains.files)
    assert not is_alive(recorded)
    assert not is_alive(unrecorded)
    assert not remains.temporary.exists()
    assert {path.name for path in remains.files.cloud.iterdir()} == {"logs"}
    assert not is_abandoned(remains.files)


def test_a_damaged_state_still_ends_its_processes(remains: Remains) -> None:
    """What cannot be read is cleaned up by its mark."""
    remains.files.state_path.write_bytes(b"{")
    stray = remains.process()
    assert is_abandoned(remains.files)
    assert end_cloud(remains.files)
    assert not is_alive(stray)


def test_processes_of_another_checkout_are_left_alone(remains: Remains, tmp_path: Path) -> None:
    """The mark is the directory's full path."""
    stranger = remains.process(mark=str(tmp_path / "elsewhere/.isthmus/cloud"))
    remains.state(owner=GONE)
    end_cloud(remains.files)
    assert is_alive(stranger)


@pytest.mark.parametrize(
    ("owner", "keep", "alive", "abandoned"),
    [
        ("ourselves", False, True, False),
        ("ourselves", False, False, False),
        ("gone", False, True, True),
        ("gone", False, False, True),
        ("gone", True, True, False),
        ("gone", True, False, True),
        ("ourselves", True, True, False),
    ],
)
def test_who_owns_it_decides(
    remains: Remains, owner: str, keep: bool, alive: bool, abandoned: bool  # noqa: FBT001
) -> None:  # fmt: skip
    """Abandoned: not kept and its command gone, or kept and every process gone (the machine restarted)."""
    process = remains.process() if alive else GONE
    remains.state(
        owner=ourselves() if owner == "ourselves" else GONE, keep=keep, processes=(process,)
    )
    assert is_abandoned(remains.files) is abandoned


def test_ending_nothing_says_so(tmp_path: Path) -> None:
    """No directory, no process: nothing was up."""
    assert not end_cloud(CloudFiles(tmp_path))


def test_a_directory_that_stays_is_named_and_stays_on_record(
    remains: Remains, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which; the next command tries again and ends with nothing left."""
    remains.state(owner=Process(pid=DEAD_PID, start_ticks=1))
    remains.temporary.mkdir()
    ground = msgspec.structs.replace(ground_of(), temporary=str(remains.temporary))
    remains.files.write_standing(Standing(ground=ground, without=(), ad_nodes=10, keep=False))
    with monkeypatch.context() as broken:
        broken.setattr("shutil.rmtree", refuse)
        with pytest.raises(RemainsError, match=r"temporary: cannot be removed .*denied.*fix:"):
            end_cloud(remains.files)
    assert is_abandoned(remains.files)
    assert end_cloud(remains.files)
    assert not remains.temporary.exists()
    assert not is_abandoned(remains.files)


@pytest.mark.parametrize("recorded_by", ["state", "ground"])
@pytest.mark.parametrize("stays", ["temporary", "kafka-public"])
def test_it_stays_on_record_whatever_stays(
    remains: Remains, monkeypatch: pytest.MonkeyPatch, stays: str, recorded_by: str
) -> None:
    """In the cloud's directory or beside it, named by the state or the ground: tried again until it is gone."""
    remains.temporary.mkdir()
    (remains.files.cloud / "kafka-public").mkdir()
    (remains.files.cloud / "settings").mkdir()
    if recorded_by == "state":
        # kept, with a live process: neither must make what is left look like a cloud that is up
        remains.state(owner=GONE, keep=True, processes=(remains.process(),))
    else:
        ground = msgspec.structs.replace(ground_of(), temporary=str(remains.temporary))
        remains.files.write_standing(Standing(ground=ground, without=(), ad_nodes=10, keep=False))
    rmtree = shutil.rmtree
    with monkeypatch.context() as broken:
        broken.setattr(
            "shutil.rmtree",
            lambda path, **how: (refuse if path.name == stays else rmtree)(path, **how),
        )
        for _ in range(2):
            with pytest.raises(RemainsError, match=rf"{stays}: cannot be removed"):
                end_cloud(remains.files)
            assert is_abandoned(remains.files)
    assert not (remains.files.cloud / "settings").exists()
    end_cloud(remains.files)
    assert not remains.temporary.exists()
    assert list(remains.files.cloud.iterdir()) == []


def refuse(path: Path, *, ignore_errors: bool = False) -> None:
    if not ignore_errors:
        raise PermissionError(13, "Permission denied", str(path))
