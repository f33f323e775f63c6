"""Twin of chaos/watchdog.py: real processes, a real relay, and a runner that is killed at any moment."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from chaos.clock import SystemClock
from chaos.leases import Leases
from chaos.watchdog import EXIT_HEALED, EXIT_NOT_HEALED, watch
from contracts.fault import Lease
from contracts.orders import OrdersStats
from contracts.tap import TapReport
from runtime.control import call_control
from runtime.processes import start_ticks
from tests.chaos.stage import ROOT, Stage, eventually


def whole(stage: Stage) -> bool:
    """Whether no fault is in force."""
    relay, orders = stage.root / "relay.sock", stage.root / "orders.sock"
    return (
        stage.all_run()
        and not msgspec.json.decode(call_control(relay, "stats"), type=TapReport).cut
        and msgspec.json.decode(call_control(orders, "stats"), type=OrdersStats).drop_share == 0
    )


def start_runner(stage: Stage, *more: str) -> "subprocess.Popen[bytes]":
    argv = ("--run", str(stage.root / "run"), "--state", str(stage.path), *more)
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests/chaos/runner.py"), *argv],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        stdout=subprocess.PIPE,
    )


def all_healed(stage: Stage) -> bool:
    leases = Leases(stage.root / "run/leases")
    with leases.locked():
        return not leases.open_leases() and not leases.is_watched()


@pytest.mark.parametrize("reached", [b"leased", b"dropping", b"killed", b"cut"])
def test_a_runner_killed_after_any_step_leaves_no_fault(full_stage: Stage, reached: bytes) -> None:
    """Between lease and injection, or after each of three faults: all is healed and the watchdog ends."""
    more = ("--hold-injection",) if reached == b"leased" else ()
    with start_runner(full_stage, *more) as runner:
        for line in runner.stdout:
            if line.strip() == reached:
                break
        if reached == b"cut":
            assert not whole(full_stage)
        runner.kill()
    eventually(lambda: all_healed(full_stage))
    assert whole(full_stage)


@pytest.mark.parametrize("delay_s", [0.0, 0.03, 0.1, 0.25, 0.5])
def test_a_runner_killed_at_an_arbitrary_time_leaves_no_fault(
    full_stage: Stage, delay_s: float
) -> None:
    """However far it got after its first lease, nothing of it is left."""
    with start_runner(full_stage) as runner:
        leases = Leases(full_stage.root / "run/leases")
        eventually(leases.open_leases)
        time.sleep(delay_s)  # the moment of the kill is the subject, not a synchronisation
        runner.kill()
    if delay_s == 0.0:
        # Killed before its watchdog can be up: whoever comes next heals, here as `heal --all` would.
        subprocess.run(
            [sys.executable, "-m", "chaos", "watchdog", "--leases", str(leases.directory)],
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
    eventually(lambda: all_healed(full_stage))
    assert whole(full_stage)


def test_a_late_runner_is_healed_at_the_leases_end(full_stage: Stage) -> None:
    """The runner lives on, its time is up: the faults go."""
    with start_runner(full_stage, "--ttl", "1.5") as runner:
        for line in runner.stdout:
            if line.strip() == b"cut":
                break
        assert runner.poll() is None
        eventually(lambda: all_healed(full_stage))
        assert runner.poll() is None
        runner.kill()
    assert whole(full_stage)


def test_without_leases_and_beside_another_it_ends_at_once(tmp_path: Path) -> None:
    """Nothing to heal, or somebody else at it: exit 0."""
    assert watch(tmp_path / "none", SystemClock()) == EXIT_HEALED
    leases = Leases(tmp_path)
    with leases.locked():
        claim = leases.claim_watch()
        leases.write(dead_lease("link_cut", str(tmp_path / "no.sock")))
    assert watch(tmp_path, SystemClock()) == EXIT_HEALED
    assert leases.open_leases()
    assert claim is not None
    leases.release_watch(claim)
    assert watch(tmp_path, SystemClock()) == EXIT_HEALED
    assert not leases.open_leases()


def dead_lease(kind: str, target: str) -> Lease:
    return Lease(
        id=f"01-{kind}", kind=kind, targets=(target,), params={}, cloud="/none", runner_pid=2**22,
        runner_start_ticks=1, created_wall_s=0.0, expires_wall_s=1e12,
    )  # fmt: skip


class FastClock(SystemClock):
    """A minute passes at every look at the wall clock."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def wall_s(self) -> float:
        self._now_s += 20.0
        return self._now_s

    def sleep(self, pause_s: float) -> None:
        pass


def test_a_fault_that_cannot_be_healed_ends_with_its_own_code(full_stage: Stage) -> None:
    """After the bound it gives up, says 5, and the lease stays for `heal --all`."""
    leases = Leases(full_stage.root / "leases")
    with leases.locked():
        # The orders control refuses `heal`: the lease names the wrong socket.
        leases.write(dead_lease("link_cut", str(full_stage.root / "orders.sock")))
    assert watch(leases.directory, FastClock()) == EXIT_NOT_HEALED
    assert leases.open_leases()


def test_an_unreadable_lease_is_not_passed_over(tmp_path: Path) -> None:
    """What stands for a fault and does not read ends with 5."""
    (tmp_path / "01-link_cut.json").write_bytes(b"{}")
    assert watch(tmp_path, SystemClock()) == EXIT_NOT_HEALED


class HoldingClock(FastClock):
    """Somebody has the lock from its first sleep on, until its sleep number `until`."""

    def __init__(self, directory: Path, *, until: int) -> None:
        super().__init__()
        self._directory, self._until, self._sleeps = directory, until, 0
        self.held = contextlib.ExitStack()

    def sleep(self, pause_s: float) -> None:
        self._sleeps += 1
        if self._sleeps == 1:
            self.held.enter_context(Leases(self._directory).locked())
        if self._sleeps == self._until:
            self.held.close()

    def is_free(self) -> bool:
        return self._sleeps >= self._until


@pytest.mark.parametrize(("until", "code"), [(2, EXIT_HEALED), (99, EXIT_NOT_HEALED)])
def test_a_lock_that_is_not_let_go_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: int, code: int
) -> None:
    """A holder may come to: then all goes on. If not, the watchdog gives up at its own bound and says 5."""
    monkeypatch.setattr("chaos.leases.LOCK_WAIT_S", 0.05)
    leases, clock = Leases(tmp_path), HoldingClock(tmp_path, until=until)
    with leases.locked():
        leases.write(living_lease(str(tmp_path / "no.sock")))
    with clock.held:
        assert watch(tmp_path, clock, clock.is_free) == code
    assert bool(leases.open_leases()) == (code == EXIT_NOT_HEALED)


def living_lease(target: str) -> Lease:
    return msgspec.structs.replace(
        dead_lease("link_cut", target), runner_pid=os.getpid(),
        runner_start_ticks=start_ticks(os.getpid()),
    )  # fmt: skip


def test_asked_to_end_it_heals_what_is_not_due(tmp_path: Path) -> None:
    """Its cloud is going: the lease of a living runner goes with it."""
    leases = Leases(tmp_path)
    with leases.locked():
        leases.write(living_lease(str(tmp_path / "no.sock")))
    assert watch(tmp_path, SystemClock(), lambda: True) == EXIT_HEALED
    assert leases.open_leases() == ()
