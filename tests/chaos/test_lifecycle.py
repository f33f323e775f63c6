"""Twin of chaos/lifecycle.py."""

import os
import signal
import subprocess
from pathlib import Path

import msgspec
import pytest

from chaos.clock import SystemClock
from chaos.cloud import CloudError
from chaos.journal import Journal
from chaos.leases import Leases
from chaos.lifecycle import FaultError, Lifecycle, NotHealedError, fault_errors
from contracts.fault import FaultRecord, Lease
from contracts.tap import TapReport
from runtime.control import call_control
from runtime.processes import end_processes, marked_processes, start_ticks
from tests.chaos.stage import Stage, eventually


@pytest.fixture
def life(tmp_path: Path) -> Lifecycle:
    return Lifecycle(
        Leases(tmp_path / "leases"),
        Journal(tmp_path / "faults.ndjson"),
        cloud=tmp_path / "state.json",
        clock=SystemClock(),
    )


def cut(life: Lifecycle, socket: Path) -> Lease:
    return life.take("link_cut", (str(socket),), ttl_s=60.0)


def record(lease: Lease) -> FaultRecord:
    return FaultRecord(
        id=lease.id, kind=lease.kind, targets=lease.targets, injected_mono_ns=5, proven=True,
        proof="seen",
    )  # fmt: skip


def test_a_lease_is_on_disk_and_watched_before_anything_is_injected(
    life: Lifecycle, tmp_path: Path
) -> None:
    """At the moment of injection the lease names its runner and a watchdog holds its lock."""
    leases = Leases(tmp_path / "leases")
    lease = cut(life, tmp_path / "none.sock")
    assert (lease.runner_pid, lease.runner_start_ticks) == (os.getpid(), start_ticks(os.getpid()))

    def inject() -> FaultRecord:
        assert leases.open_leases() == (lease,)
        with leases.locked():
            assert leases.is_watched()
        return record(lease)

    fault = life.inject(lease, inject)
    assert fault.heal().healed_mono_ns > 0
    assert fault.heal() == fault.record
    life.close()
    assert leases.open_leases() == ()
    assert Journal(tmp_path / "faults.ndjson").records() == (fault.record,)


def test_a_failed_injection_leaves_nothing(life: Lifecycle, tmp_path: Path) -> None:
    """The error is a FaultError, the lease is gone, the journal has no line."""
    lease = cut(life, tmp_path / "none.sock")

    def inject() -> FaultRecord:
        raise OSError("no such thing")

    with pytest.raises(FaultError, match="link_cut: no such thing"):
        life.inject(lease, inject)
    assert Leases(tmp_path / "leases").open_leases() == ()
    assert Journal(tmp_path / "faults.ndjson").records() == ()
    life.close()


def test_what_a_look_after_the_heal_sees_is_in_the_record(life: Lifecycle, tmp_path: Path) -> None:
    """The proof after the heal decides and is appended to the one before."""
    lease = cut(life, tmp_path / "none.sock")
    fault = life.inject(lease, lambda: record(lease), lambda _record: (False, "not seen again"))
    assert fault.heal().proven is False
    assert fault.record.proof == "seen; not seen again"
    life.close()


def test_a_fault_the_watchdog_healed_is_not_healed_twice(life: Lifecycle, tmp_path: Path) -> None:
    """Its lease is gone: the record says by whom."""
    leases = Leases(tmp_path / "leases")
    lease = cut(life, tmp_path / "none.sock")
    fault = life.inject(lease, lambda: record(lease))
    with leases.locked():
        leases.remove(lease.id)
    assert "healed by the watchdog" in fault.heal().proof
    life.close()


def test_a_lease_that_stays_is_an_error_at_close(
    life: Lifecycle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watchdog that still has work is not left behind unsaid."""
    monkeypatch.setattr("chaos.lifecycle.WATCHDOG_END_S_MAX", 0.2)
    lease = cut(life, tmp_path / "none.sock")
    fault = life.inject(lease, lambda: record(lease))
    with pytest.raises(NotHealedError, match="still has leases"):
        life.close()
    fault.heal()
    monkeypatch.setattr("chaos.lifecycle.WATCHDOG_END_S_MAX", 5.0)
    life.close()


def test_a_watchdog_that_cannot_start_stops_the_fault(
    life: Lifecycle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No watchdog, no fault: the error names its log."""
    monkeypatch.setattr("chaos.lifecycle.sys.executable", "/bin/false")
    with pytest.raises(FaultError, match=r"watchdog\.log"):
        cut(life, tmp_path / "none.sock")
    monkeypatch.undo()
    assert subprocess.run(["/bin/false"], check=False).returncode == 1


def test_border_errors_reach_the_caller_as_one_kind() -> None:
    """Whatever a border raises is a FaultError naming the fault."""
    with pytest.raises(FaultError, match="node_kill: gone"), fault_errors("node_kill"):
        raise CloudError("gone")


def test_the_watchdog_carries_the_mark_of_its_cloud(life: Lifecycle, tmp_path: Path) -> None:
    """Whoever ends the cloud finds it; asked to end, it heals what is left and leaves no lease."""
    cut(life, tmp_path / "none.sock")
    (watchdog,) = marked_processes(str(tmp_path))
    assert b"watchdog" in Path(f"/proc/{watchdog.pid}/cmdline").read_bytes()
    end_processes([watchdog], signum=signal.SIGTERM, grace_s=5)
    assert Leases(tmp_path / "leases").open_leases() == ()
    life.close()
    assert marked_processes(str(tmp_path)) == []


def test_a_fault_that_took_effect_after_its_lease_ended_is_undone(
    full_stage: Stage, tmp_path: Path
) -> None:
    """The watchdog healed before there was anything to heal: the runner does it once more."""
    leases, relay = Leases(tmp_path / "leases"), full_stage.root / "relay.sock"
    life = Lifecycle(
        leases, Journal(tmp_path / "faults.ndjson"), cloud=full_stage.path, clock=SystemClock()
    )
    lease = life.take("link_cut", (str(relay),), ttl_s=0.0)
    eventually(lambda: not leases.open_leases())

    def inject() -> FaultRecord:
        call_control(relay, "cut")
        return record(lease)

    life.inject(lease, inject)
    assert not msgspec.json.decode(call_control(relay, "stats"), type=TapReport).cut
    life.close()


def test_leases_nobody_holds_are_undone_and_told(full_stage: Stage, tmp_path: Path) -> None:
    """A signal came between injection and keeper: the fault goes, its record says so; one that is held stays."""
    leases, relay = Leases(tmp_path / "leases"), full_stage.root / "relay.sock"
    journal = Journal(tmp_path / "faults.ndjson")
    life = Lifecycle(leases, journal, cloud=full_stage.path, clock=SystemClock())
    orphan = life.take("link_cut", (str(relay),), ttl_s=60.0)
    call_control(relay, "cut")
    journal.append(record(orphan))
    held = life.take("response_drop", (str(full_stage.root / "orders.sock"),), ttl_s=60.0)
    life.heal_orphans({held.id})
    assert leases.open_leases() == (held,)
    assert not msgspec.json.decode(call_control(relay, "stats"), type=TapReport).cut
    assert journal.records()[0].healed_mono_ns
    life.heal_orphans(())
    assert leases.open_leases() == ()
    life.close()
