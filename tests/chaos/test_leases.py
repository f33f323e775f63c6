"""Twin of chaos/leases.py."""

import os
from pathlib import Path

import pytest

from chaos.leases import LeaseError, Leases, LeasesHeldError
from contracts.fault import Lease


def lease(number: int) -> Lease:
    return Lease(
        id=f"{number:02}-link_cut", kind="link_cut", targets=("s",), params={}, cloud="c",
        runner_pid=1, runner_start_ticks=1, created_wall_s=-float(number), expires_wall_s=9.0,
    )  # fmt: skip


def test_a_lease_is_open_from_write_to_remove(tmp_path: Path) -> None:
    """Oldest first, each its own file, gone when removed, removable twice."""
    leases = Leases(tmp_path / "leases")
    assert leases.open_leases() == ()
    with leases.locked():
        for number in (1, 2):
            leases.write(lease(number))
    assert leases.open_leases() == (lease(2), lease(1))
    with leases.locked():
        leases.remove(lease(2).id)
        leases.remove(lease(2).id)
    assert leases.has(lease(1).id)
    assert not leases.has(lease(2).id)


def test_a_torn_write_is_no_lease_and_a_broken_one_is_named(tmp_path: Path) -> None:
    """A scratch file is ignored; a lease that does not read stops with its path."""
    leases = Leases(tmp_path)
    (tmp_path / "01-link_cut.77.tmp").write_bytes(b'{"id":')
    assert leases.open_leases() == ()
    (tmp_path / "02-link_cut.json").write_bytes(b'{"id":1}')
    with pytest.raises(LeaseError, match=r"02-link_cut\.json"):
        leases.open_leases()


def test_there_is_one_watchdog(tmp_path: Path) -> None:
    """Who claims first watches; released, the next may."""
    leases = Leases(tmp_path)
    with leases.locked():
        assert not leases.is_watched()
        claim = leases.claim_watch()
        assert claim is not None
        assert leases.is_watched()
        assert Leases(tmp_path).claim_watch() is None
        leases.release_watch(claim)
        assert not leases.is_watched()


def test_lease_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """Directory 0700, files 0600."""
    leases = Leases(tmp_path / "leases")
    with leases.locked():
        leases.write(lease(1))
    assert leases.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in leases.directory.iterdir()} == {0o600}


def test_a_lock_that_is_not_let_go_is_named_with_its_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a bound: the file, who has it, and the fix."""
    monkeypatch.setattr("chaos.leases.LOCK_WAIT_S", 0.1)
    expected = rf"{tmp_path}/lock: held by process {os.getpid()} for more than 0\.1 s.*fix:"
    with (
        Leases(tmp_path).locked(),
        pytest.raises(LeasesHeldError, match=expected),
        Leases(tmp_path).locked(),
    ):
        pytest.fail("held twice")
