"""Who holds an environment: the dead are cleared away, the living are named and left alone."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from infra.engine.holders import HeldError, command_of, end_left, is_locked, refuse_held
from runtime.processes import MARK

GONE = 2**22 + 1
"""More than the kernel's highest pid."""


class Programs:
    """Sleeping processes under a name of the test's."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, mark: str = "") -> "subprocess.Popen[bytes]":
        sleep = shutil.which("sleep")
        assert sleep
        child = subprocess.Popen(
            [str(self._directory / name), "60"], executable=sleep, env={**os.environ, MARK: mark}
        )
        self.running.append(child)
        deadline = time.monotonic() + 5
        while not command_of(child.pid):  # the kernel fills it in after the start
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return child


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    found = Programs(tmp_path)
    yield found
    for child in found.running:
        child.kill()
        child.wait()


def lock(backend: Path, pid: int, host: str = socket.gethostname()) -> str:
    path = backend / ".pulumi/locks/organization/isthmus/dev-public/1.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode({"pid": pid, "hostname": host, "username": "u"}))
    path.with_suffix(".json.attrs").write_text("{}")
    return f"file://{backend}"


def test_what_a_killed_command_left_is_ended_and_nothing_else(programs: Programs) -> None:
    """Engine, provider and host of this environment; not those of another, not a cluster's program."""
    ours = [programs.start(name, "/x/dev") for name in ("pulumi", "pulumi-resource-kubernetes")]
    others = [programs.start("pulumi", "/x/other"), programs.start("etcd", "/x/dev")]
    said: list[str] = []
    end_left("/x/dev", said.append)
    assert [it.wait(5) for it in ours] == [-2, -15]
    assert [it.poll() for it in others] == [None, None]
    assert len(said) == 1
    assert all(str(it.pid) in said[0] for it in ours)
    end_left("/x/dev", said.append)
    assert len(said) == 1


def test_a_living_engine_that_is_not_ours_is_named(programs: Programs, tmp_path: Path) -> None:
    """With its pid; nothing is taken from it."""
    engine = programs.start("pulumi")
    backend = lock(tmp_path, engine.pid)
    with pytest.raises(
        HeldError, match=rf"stack dev-public: process {engine.pid} \(pulumi 60\)"
    ) as held:
        refuse_held(backend, "dev-public")
    assert held.value.pid == engine.pid
    refuse_held(backend, "dev-private")
    assert is_locked(backend, "dev-public")
    assert not is_locked(backend, "dev-private")


@pytest.mark.parametrize("pid", [GONE, os.getpid()])
def test_a_lock_whose_holder_is_gone_holds_nothing(pid: int, tmp_path: Path) -> None:
    """Nor one whose number is another program's by now."""
    backend = lock(tmp_path, pid)
    refuse_held(backend, "dev-public")
    assert is_locked(backend, "dev-public")


def test_a_lock_of_another_machine_is_not_judged(tmp_path: Path) -> None:
    """Whether that process lives, only that machine knows: it is named and left."""
    with pytest.raises(HeldError, match="process 7 on elsewhere works on it"):
        refuse_held(lock(tmp_path, 7, "elsewhere"), "dev-public")


def test_backends_that_are_no_files_say_nothing(tmp_path: Path) -> None:
    """Nor does a lock that cannot be read."""
    assert not is_locked("s3://bucket", "dev-public")
    backend = lock(tmp_path, 1)
    (tmp_path / ".pulumi/locks/organization/isthmus/dev-public/1.json").write_text("{")
    assert not is_locked(backend, "dev-public")


def test_a_process_is_named_by_what_it_was_started_as(programs: Programs) -> None:
    """Its interpreter and options left out; nothing of one that is gone."""
    assert command_of(programs.start("pulumi").pid) == "pulumi 60"
    assert "pytest" in command_of(os.getpid())
    assert command_of(GONE) == ""
