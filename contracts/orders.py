"""What the orders service says of itself on its control socket."""

from contracts.base import Contract


class OrdersStats(Contract, frozen=True, kw_only=True):
    """The orders service's `stats`: what it committed and what it withheld since it started.

    `drop_*` are the armed `drop_responses` arguments (share 0 when healed); `dropped` counts connections
    aborted after commit since the last arming. `idempotency` is false only in the negative control.
    """

    schema: int = 1
    idempotency: bool
    committed: int
    replayed: int
    conflicts: int
    drop_share: float
    drop_seed: int
    drop_attempts: int
    dropped: int
