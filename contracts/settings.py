"""Settings files handed to long-running processes; written by `local` and `infra`, read by the process."""

from typing import Literal

from contracts.base import Contract


class RouterLimits(Contract, frozen=True, kw_only=True):
    """Bounds of one worker; seconds and bytes. Defaults suit 1 KB requests on one core."""

    header_s: float = 5.0
    body_s: float = 10.0
    idle_s: float = 60.0
    total_s: float = 10.0
    connect_s: float = 0.5
    attempt_public_s: float = 0.2
    attempt_sensitive_s: float = 5.0
    held_response_bytes_max: int = 65536
    header_bytes_max: int = 32768
    concurrency_public: int = 512
    concurrency_sensitive: int = 256
    concurrency_raised: int = 64
    attempts_max: int = 4
    health_interval_s: float = 0.2
    health_timeout_s: float = 0.2
    drain_s: float = 5.0


class RouterSettings(Contract, frozen=True, kw_only=True):
    """`isthmus router run --settings FILE`.

    `listen` and `probe` may use port 0; the real ones go into the ready file as `http` and `probe`.
    `source_address` is bound for every upstream connection. `disable` exists for negative controls only:
    a router with anything disabled says so at start, on /readyz and in its metrics.
    """

    schema: int = 1
    name: str
    placement: Literal["core", "edge"]
    site: str
    policy: str
    topology: str
    listen: str
    probe: str
    admin: str
    evidence: str
    ready: str
    source_address: str = ""
    workers: int = 1
    limits: RouterLimits = RouterLimits()
    disable: tuple[Literal["scan", "guard", "failover"], ...] = ()


class BridgeSettings(Contract, frozen=True, kw_only=True):
    """`isthmus bridge run --settings FILE`; streams come from the policy, brokers from the topology.

    `warehouse_topics` are topics on the own site's broker that are loaded into the warehouse.
    `disable: eos` exists for negative controls only: progress is then committed outside the transaction.
    """

    schema: int = 1
    name: str
    link: str
    site: str
    policy: str
    topology: str
    control: str
    ready: str
    warehouse_topics: tuple[str, ...] = ()
    slices_max: int = 8
    batch_records_max: int = 2000
    transaction_timeout_ms: int = 10000
    disable: tuple[Literal["eos"], ...] = ()
