"""What is seen of a container: exit files, groups, logs."""

import os

import pytest

from local.agent_cgroup import Cgroup, Hierarchies
from local.agent_container import (
    ContainerFiles,
    ToolError,
    environ_of,
    find_tools,
    main_pid,
    see,
    terminate,
)
from local.agent_slot import Absent, Exited, Running


class Group(Cgroup):
    """A group in memory."""

    def __init__(self, *pids: int) -> None:
        super().__init__(Hierarchies(unified="/nowhere"), "x")
        self.pids = list(pids)

    def processes(self) -> list[int]:
        return self.pids

    def is_populated(self) -> bool:
        return bool(self.pids)

    def kill(self) -> None:
        self.pids = []


def test_what_is_seen(tmp_path) -> None:
    """Nothing, running, ended; an exit file that is being written is no exit yet."""
    assert see(tmp_path, Group()) == Absent()
    (tmp_path / "pid").write_text("1\n")
    (tmp_path / "exit").touch()
    assert isinstance(see(tmp_path, Group(1)), Running)
    assert see(tmp_path, Group()) == Absent()
    (tmp_path / "exit").write_text("7\n")
    group = Group(99)
    seen = see(tmp_path, group)
    assert isinstance(seen, Exited)
    assert seen.code == 7
    assert group.pids == [], "what the main process left behind is killed"


def test_a_pid_that_is_somebody_elses_is_not_signalled(tmp_path) -> None:
    """Only a process in the container's own group is its main process."""
    (tmp_path / "pid").write_text(f"{os.getpid()}\n")
    assert main_pid(tmp_path, Group()) == 0
    assert not terminate(tmp_path, Group())
    assert main_pid(tmp_path, Group(os.getpid())) == os.getpid()


def test_records_are_kept_for_this_run_and_the_one_before(tmp_path) -> None:
    """`kubectl logs --previous` needs no more."""
    files = ContainerFiles(tmp_path / "c")
    for attempt in (1, 2, 3):
        files.make(attempt)
    assert sorted(it.name for it in files.directory.iterdir()) == ["2", "3", "root"]
    (files.record(3) / "exit").write_text("1\n")
    assert not (files.make(3) / "exit").exists()


def test_tools_are_found_or_named(monkeypatch) -> None:
    """By absolute path."""
    for path in (os.environ["PATH"], "/usr/bin:/bin"):
        monkeypatch.setenv("PATH", path)
        assert find_tools().env.startswith("/")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError, match="nsenter"):
        find_tools()


def test_the_environment_of_a_process() -> None:
    """Of one that is gone it is empty."""
    assert "PATH" in environ_of(os.getpid())
    assert environ_of(2**22 + 1) == {}
