"""Undo one fault, or all of a directory; doing it twice, or at once in two processes, does no harm."""

import contextlib
import signal
from pathlib import Path
from typing import assert_never

import msgspec

from chaos.clock import Clock
from chaos.cloud import Cloud, CloudError
from chaos.leases import Leases, LeasesHeldError
from contracts.control import Op, Scalar
from contracts.fault import Lease
from runtime.control import ControlError, call_control
from runtime.processes import is_running, signal_process

CONTROL_S = 5.0
"""A relay under full load answers within milliseconds; one that does not for this long is stuck."""

TRIES = 3
RETRY_S = 0.1


class HealError(Exception):
    """The fault is still there: what was tried and what was expected."""


class Healed(msgspec.Struct, frozen=True, kw_only=True):
    """What `heal_all` did: lease ids healed, and those that are not, with the reason."""

    healed: tuple[str, ...]
    failed: dict[str, str]


def heal_lease(lease: Lease, clock: Clock) -> str:
    """Undo the fault of `lease`; returns what was done in words. Raises `HealError`."""
    try:
        match lease.kind:
            case "node_kill":
                return _bring_back(lease, clock)
            case "bridge_kill":
                _wake(lease)
                return _bring_back(lease, clock)
            case "link_cut":
                return _tell(lease, clock, op="heal", args={})
            case "response_drop":
                return _tell(lease, clock, op="drop_responses", args={"share": 0.0})
            case _:
                assert_never(lease.kind)
    except (CloudError, ControlError, OSError) as error:
        raise HealError(f"{lease.id}: {error}") from error


def _wake(lease: Lease) -> None:
    """A runner that died between SIGSTOP and its decision left the process stopped."""
    with contextlib.suppress(CloudError):
        for name in lease.targets:
            record = Cloud(Path(lease.cloud)).named(name)
            signal_process(record.pid, record.start_ticks, signal.SIGCONT)


def _bring_back(lease: Lease, clock: Clock) -> str:
    cloud = Cloud(Path(lease.cloud))
    if not cloud.exists():
        return "the cloud is gone"
    state = cloud.state()
    if not state.keep and not is_running(state.owner_pid, state.owner_start_ticks):
        # Nobody will ever stop what is started now; the next command sweeps this cloud away.
        return "the cloud's owner is gone"
    started = cloud.start_dead(lease.targets)
    unready = cloud.unready(lease.targets, clock)
    if unready:
        raise HealError(f"{lease.id}: started again, expected to be ready: {', '.join(unready)}")
    return f"started again: {', '.join(started) or 'none, all were running'}"


def _tell(lease: Lease, clock: Clock, *, op: Op, args: dict[str, Scalar]) -> str:
    for target in lease.targets:
        if not _told(Path(target), clock, op=op, args=args):
            return f"{Path(target).name}: its process is gone, and the fault with it"
    return f"{op} acknowledged"


def _told(control: Path, clock: Clock, *, op: Op, args: dict[str, Scalar]) -> bool:
    """Whether a process took the operation; False when there is none. Raises `ControlError`."""
    for left in reversed(range(TRIES)):
        try:
            call_control(control, op, timeout_s=CONTROL_S, **args)
        except ControlError as error:
            if isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError):
                return False
            # A process that is being killed resets the connection, and refuses the next one.
            if not left:
                raise
            clock.sleep(RETRY_S)
        else:
            return True
    return False


def heal_all(directory: Path, clock: Clock) -> Healed:
    """Heal every lease in `directory`, due or not. Raises `LeaseError` for one that does not read."""
    leases = Leases(directory)
    healed: list[str] = []
    failed: dict[str, str] = {}
    for lease in leases.open_leases():
        try:
            heal_lease(lease, clock)
            with leases.locked():
                leases.remove(lease.id)
        except (HealError, LeasesHeldError) as error:
            failed[lease.id] = str(error)
        else:
            healed.append(lease.id)
    return Healed(healed=tuple(healed), failed=failed)
