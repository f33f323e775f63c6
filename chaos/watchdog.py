"""The watchdog: a process of its own that heals what its runner no longer can.

Started beside the first fault of a run, in a session of its own, so that neither Ctrl-C nor SIGKILL of the
runner reaches it. It ends when no lease is left, or when it has failed to heal for `GIVE_UP_S`. It carries the mark of
its cloud; asked to end with it (SIGTERM) it heals what is left, which a cloud that is gone makes easy.
"""

import os
from collections.abc import Callable
from pathlib import Path

import structlog

from chaos.clock import Clock
from chaos.decide import is_due
from chaos.heal import HealError, heal_lease
from chaos.leases import LeaseError, Leases, LeasesHeldError
from contracts.fault import Lease
from runtime.processes import is_running

POLL_S = 0.1
"""How soon a dead runner is noticed."""

LOCK = "lock"
"""What fails when the leases' lock cannot be had; no lease has this id."""

GIVE_UP_S = 120.0
"""Twice what the slowest process needs to come back."""

EXIT_HEALED = 0
EXIT_NOT_HEALED = 5

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger()


def watch(directory: Path, clock: Clock, asked_to_end: Callable[[], bool] = lambda: False) -> int:
    """Heal due leases until none is left; returns the exit code. A second watchdog returns at once.

    Once `asked_to_end`, every lease is due and is tried once.
    """
    leases = Leases(directory)
    try:
        with leases.locked():
            claim = leases.claim_watch()
        if claim is None:
            return EXIT_HEALED
        with os.fdopen(claim):
            return _watch(leases, clock, claim, asked_to_end)
    except LeaseError:
        _log.exception("chaos.leases_out_of_reach")
        return EXIT_NOT_HEALED


def _watch(leases: Leases, clock: Clock, claim: int, asked_to_end: Callable[[], bool]) -> int:
    failing_since_s: dict[str, float] = {}
    while True:
        found = _look(leases, clock, claim, failing_since_s)
        if found == ():
            return EXIT_HEALED
        now_s, ending = clock.wall_s(), asked_to_end()
        for lease in reversed(found or ()):  # the newest first: it may stand on an older one
            if ending or is_due(lease, now_wall_s=now_s, runner_alive=_runner_lives(lease)):
                _heal(leases, lease, clock, failing_since_s)
        if ending:
            return EXIT_NOT_HEALED if found is None or failing_since_s else EXIT_HEALED
        if any(now_s - since_s > GIVE_UP_S for since_s in failing_since_s.values()):
            return EXIT_NOT_HEALED
        clock.sleep(POLL_S)


def _look(
    leases: Leases, clock: Clock, claim: int, failing_since_s: dict[str, float]
) -> tuple[Lease, ...] | None:
    """The open leases, none after letting go of `claim`; None when the lock could not be had in time."""
    try:
        with leases.locked():
            found = leases.open_leases()
            if not found:
                # Let go under the lock: the next runner then sees that it has to start a watchdog.
                leases.release_watch(claim)
    except LeasesHeldError as error:
        failing_since_s.setdefault(LOCK, clock.wall_s())
        _log.error("chaos.leases_held", error=str(error))
        return None
    failing_since_s.pop(LOCK, None)
    return found


def _runner_lives(lease: Lease) -> bool:
    return is_running(lease.runner_pid, lease.runner_start_ticks)


def _heal(leases: Leases, lease: Lease, clock: Clock, failing_since_s: dict[str, float]) -> None:
    try:
        done = heal_lease(lease, clock)
        with leases.locked():
            leases.remove(lease.id)
    except (HealError, LeasesHeldError) as error:
        failing_since_s.setdefault(lease.id, clock.wall_s())
        _log.error("chaos.not_healed", lease=lease.id, error=str(error))
        return
    failing_since_s.pop(lease.id, None)
    _log.info("chaos.healed", lease=lease.id, done=done)
