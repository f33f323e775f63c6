"""Faults: the lease written before one is injected, and the journal line that proves it."""

from typing import Literal

from contracts.base import Contract

FaultKind = Literal[
    "node_kill",  # SIGKILL of a random share of the public ad nodes
    "link_cut",  # the site link black-holed both ways
    "bridge_kill",  # SIGKILL of the bridge at the worst moment
    "response_drop",  # answers to committed orders lost
    "process_kill",  # SIGKILL of named processes
    "process_stop",  # SIGSTOP of processes: they accept and never answer
    "relay_fault",  # latency, jitter, bandwidth, drop, one-way hole or reset on a relay
    "policy_swap",  # another policy file put in force
    "warehouse_close",  # the warehouse takes no connection
]


class Lease(Contract, frozen=True, kw_only=True):
    """A promise on disk, written before injection, to undo a fault by `expires_wall_s` whatever happens.

    `targets` are process names, a control socket's path for relay and service faults, or the name of an endpoint.
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
