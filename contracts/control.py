"""One request and one reply on a process's control socket: a JSON line each, mode 0600, same host.

The operations are listed beside the process that serves them; this file only fixes the envelope.
"""

from typing import Literal

import msgspec

from contracts.base import Contract

Scalar = str | int | float | bool | None

Op = Literal[
    "ping",  # any process: is the loop alive
    "stats",  # relay: TapStats; orders: OrdersStats; bridge: BridgeStatus
    "cut",  # relay: black-hole both ways (bytes are read from nobody, connections hang)
    "heal",  # relay: end a cut
    "fault",  # relay: let a fault hold by `id` (listeners, direction, delay_ms, jitter_ms, rate_bytes_s, hole, …)
    "unfault",  # relay: end the fault `id`; there need not be one
    "target",  # relay: point listener `name` at `address`
    "arm",  # relay: load canary manifest `path`, reset hits, beacons and byte counts
    "seen",  # relay: TapReport
    "drop_responses",  # orders: abort the connection after commit (`share`, `seed`, `attempts`)
]


class ControlRequest(Contract, frozen=True, kw_only=True):
    """What is asked of a process; `args` are the operation's scalars by name."""

    op: Op
    args: dict[str, Scalar] = msgspec.field(default_factory=dict[str, Scalar])


class ControlReply(Contract, frozen=True, kw_only=True):
    """The answer; `error` says what was expected when `ok` is false, `data` is the op's contract as JSON."""

    ok: bool
    error: str = ""
    data: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"null"))
