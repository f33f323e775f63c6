"""The watchdog: a process of its own that heals what its runner no longer can.

Started beside the first fault of a run, in a session of its own, so that neither Ctrl-C nor SIGKILL of the
runner reaches it. It ends when no lease is left, or when it has failed to heal for `GIVE_UP_S`.
"""

import os
from pathlib import Path

import structlog

from chaos.clock import Clock
from chaos.decide import is_due
from chaos.heal import HealError, heal_lease
from chaos.leases import LeaseError, Leases
from contracts.fault import Lease
from runtime.processes import is_running

POLL_S = 0.1
"""How soon a dead runner is noticed."""

GIVE_UP_S = 60.0
"""Twice what the slowest process needs to come back."""

EXIT_HEALED = 0
EXIT_NOT_HEALED = 5

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger()


def watch(directory: Path, clock: Clock) -> int:
    """Heal due leases until none is left; returns the exit code. A second watchdog returns at once."""
    leases = Leases(directory)
    with leases.locked():
        claim = leases.claim_watch()
    if claim is None:
        return EXIT_HEALED
    try:
        return _watch(leases, clock, claim)
    except LeaseError:
        _log.exception("chaos.lease_unreadable")
        return EXIT_NOT_HEALED
    finally:
        with os.fdopen(claim):
            pass


def _watch(leases: Leases, clock: Clock, claim: int) -> int:
    failing_since_s: dict[str, float] = {}
    while True:
        with leases.locked():
            found = leases.open_leases()
            if not found:
                # Let go under the lock: the next runner then sees that it has to start a watchdog.
                leases.release_watch(claim)
                return EXIT_HEALED
        now_s = clock.wall_s()
        for lease in found:
            if is_due(lease, now_wall_s=now_s, runner_alive=_runner_lives(lease)):
                _heal(leases, lease, clock, failing_since_s)
        if any(now_s - since_s > GIVE_UP_S for since_s in failing_since_s.values()):
            return EXIT_NOT_HEALED
        clock.sleep(POLL_S)


def _runner_lives(lease: Lease) -> bool:
    return is_running(lease.runner_pid, lease.runner_start_ticks)


def _heal(leases: Leases, lease: Lease, clock: Clock, failing_since_s: dict[str, float]) -> None:
    try:
        done = heal_lease(lease, clock)
    except HealError as error:
        failing_since_s.setdefault(lease.id, clock.wall_s())
        _log.error("chaos.not_healed", lease=lease.id, error=str(error))
        return
    failing_since_s.pop(lease.id, None)
    with leases.locked():
        leases.remove(lease.id)
    _log.info("chaos.healed", lease=lease.id, done=done)
