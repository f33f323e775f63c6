"""Faults: the lease written before one is injected, and the journal line that proves it."""

from typing import Literal

from contracts.base import Contract

FaultKind = Literal["node_kill", "link_cut", "bridge_kill", "response_drop"]


class Lease(Contract, frozen=True, kw_only=True):
    """A promise on disk, written before injection, to undo a fault by `expires_wall_s` whatever happens.

    `targets` are process names, or a control socket's path for relay and service faults.
    `cloud` is the cloud state file the heal works on.
    """

    schema: int = 1
    id: str
    kind: FaultKind
    targets: tuple[str, ...]
    params: dict[str, str | int | float | bool]
    cloud: str
    runner_pid: int
    runner_start_ticks: int
    created_wall_s: float
    expires_wall_s: float


class FaultRecord(Contract, frozen=True, kw_only=True):
    """One line of the journal: when it took effect (CLOCK_MONOTONIC), on what, and how we know.

    `proven` is true only when a check after the injection saw the effect; `proof` says what was seen.
    """

    schema: int = 1
    id: str
    kind: FaultKind
    targets: tuple[str, ...]
    injected_mono_ns: int
    healed_mono_ns: int = 0
    proven: bool
    proof: str
