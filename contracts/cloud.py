"""The running hybrid cloud on one machine, as written to `.isthmus/cloud/state.json` (mode 0600)."""

from typing import Literal

from contracts.base import Contract

Role = Literal[
    "kafka", "postgres", "relay", "ads", "clicks", "orders", "profiles", "router", "bridge"
]


class ProcessRecord(Contract, frozen=True, kw_only=True):
    """One process: enough to recognise it (`pid` with `start_ticks`), end it, and start it again as it was.

    `start_ticks` is field 22 of /proc/PID/stat, so a reused pid is never mistaken for ours.
    `environ` holds only what we added to the parent's environment.
    """

    name: str
    role: Role
    site: Literal["public", "private"]
    pid: int
    start_ticks: int
    argv: tuple[str, ...]
    environ: dict[str, str]
    cwd: str
    log: str
    ready: str
    user: str = ""


class CloudState(Contract, frozen=True, kw_only=True):
    """All processes of one cloud and the addresses others need.

    `endpoints` names: `core` and `edge` (router `host:port`), `core.probe`, `edge.probe`, `core.admin`,
    `edge.admin`, `link.control` (site link relay), `tap.control` (relay inside the public site),
    `bridge.control`, `orders.control`, `kafka.public` and `kafka.private` (bootstrap), `kafka.public.link`
    (the public broker as the private site reaches it), `ledger.dsn` and `warehouse.dsn` (no password: it
    stands in a pgpass file the DSN names), `core.evidence`, `edge.evidence` (directories).
    """

    schema: int = 1
    id: str
    root: str
    temporary: str
    owner_pid: int
    owner_start_ticks: int
    keep: bool
    policy: str
    topology: str
    endpoints: dict[str, str]
    processes: tuple[ProcessRecord, ...]
