"""Undo one fault, or all of a directory; doing it twice, or at once in two processes, does no harm."""

import contextlib
import signal
from pathlib import Path
from typing import assert_never

import msgspec

from chaos.clock import Clock
from chaos.cloud import Cloud, CloudError
from chaos.database import DatabaseError, set_open
from chaos.leases import Leases, LeasesHeldError, rule_id
from chaos.routers import put_policy
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
        return _undo(lease, clock)
    except (CloudError, ControlError, DatabaseError, OSError) as error:
        raise HealError(f"{lease.id}: {error}") from error


def _undo(lease: Lease, clock: Clock) -> str:
    match lease.kind:
        case "node_kill" | "process_kill":
            done = _bring_back(lease, clock)
        case "bridge_kill" | "process_stop":
            _wake(lease)
            done = _bring_back(lease, clock)
        case "link_cut":
            done = _tell(lease, clock, op="heal", args={})
        case "relay_fault":
            done = _tell(lease, clock, op="unfault", args={"id": rule_id(lease)})
        case "response_drop":
            done = _tell(lease, clock, op="drop_responses", args={"share": 0.0})
        case "policy_swap":
            done = _put_back(lease)
        case "warehouse_close":
            done = _open(lease)
        case _:
            assert_never(lease.kind)
    return done


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
    if _is_ownerless(cloud):
        return "the cloud's owner is gone"
    started = cloud.start_dead(lease.targets)
    unready = cloud.unready(lease.targets, clock)
    if unready:
        raise HealError(f"{lease.id}: started again, expected to be ready: {', '.join(unready)}")
    return f"started again: {', '.join(started) or 'none, all were running'}"


def _is_ownerless(cloud: Cloud) -> bool:
    """Whether nobody will ever stop what is started now: the next command sweeps such a cloud away."""
    state = cloud.state()
    return not state.keep and not is_running(state.owner_pid, state.owner_start_ticks)


def _put_back(lease: Lease) -> str:
    cloud = Cloud(Path(lease.cloud))
    if not cloud.exists():
        return "the cloud is gone"
    answered = put_policy(cloud, str(lease.params["text"]))
    # a router that is down reads the file when it comes back
    refused = {router: status for router, status in answered.items() if status not in {0, 200}}
    if refused:
        raise HealError(f"{lease.id}: expected the first policy to be taken, answered {refused}")
    return "the policy file is what it was"


def _open(lease: Lease) -> str:
    cloud = Cloud(Path(lease.cloud))
    if not cloud.exists():
        return "the cloud is gone"
    if _is_ownerless(cloud):
        return "the cloud's owner is gone"
    for endpoint in lease.targets:
        set_open(cloud.endpoint(endpoint), is_open=True)
    return "open again"


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
    """Heal every lease in `directory`, due or not, the newest first. Raises `LeaseError` for one that does not read."""
    leases = Leases(directory)
    healed: list[str] = []
    failed: dict[str, str] = {}
    for lease in reversed(leases.open_leases()):
        try:
            heal_lease(lease, clock)
            with leases.locked():
                leases.remove(lease.id)
        except (HealError, LeasesHeldError) as error:
            failed[lease.id] = str(error)
        else:
            healed.append(lease.id)
    return Healed(healed=tuple(healed), failed=failed)
