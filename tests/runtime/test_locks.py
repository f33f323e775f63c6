"""A lock held by one process, waited for within a bound, gone with its holder."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.locks import LockHeldError, file_lock

HOLDER = """
import sys
from pathlib import Path
from runtime.locks import file_lock
with file_lock(Path(sys.argv[1]), wait_s=0):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_told_who_holds_it(tmp_path: Path) -> None:
    """The error names file, process and fix; after the first lets go it is free."""
    path = tmp_path / "lock"
    with file_lock(path, wait_s=0):
        expected = rf"lock: held by process {os.getpid()} for more than 0 s.*fix:"
        with pytest.raises(LockHeldError, match=expected), file_lock(path, wait_s=0):
            pytest.fail("held twice")
    with file_lock(path, wait_s=0):
        assert path.stat().st_mode & 0o777 == 0o600


def test_it_goes_with_a_killed_holder(tmp_path: Path) -> None:
    """SIGKILL frees it; whoever waits gets it."""
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeldError) as refused, file_lock(path, wait_s=0):
            pytest.fail("held twice")
        assert refused.value.pid == holder.pid
        holder.kill()
    with file_lock(path, wait_s=10):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_full_disk_does_not_keep_anybody_from_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the holder's name is lost: what is full must still be possible to take down."""

    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    path = tmp_path / "lock"
    with (
        file_lock(path, wait_s=0),
        pytest.raises(LockHeldError, match="held by another process"),
        file_lock(path, wait_s=0),
    ):
        pytest.fail("held twice")
