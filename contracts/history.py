"""Order history: one NDJSON line per invocation and per completion; a killed worker's file stays readable."""

from typing import Literal

from contracts.base import Contract


class OrderEvent(Contract, frozen=True, kw_only=True):
    """`invoke` before the bytes leave, `ok|fail|info` after; `info` is indeterminate (time-out, reset).

    `body_sha` is the digest of the body sent; `order_id` what an `ok` answer named.
    """

    kind: Literal["invoke", "ok", "fail", "info"]
    key: str
    attempt: int
    mono_ns: int
    wall_ms: int
    body_sha: str
    order_id: str = ""
    status: int = 0


class LedgerRow(Contract, frozen=True, kw_only=True):
    """One committed order as a ledger holds it; `site` is where that ledger stands, empty if it was not asked."""

    key: str
    order_id: str
    body_sha: str
    site: str = ""


class OrderCheck(Contract, frozen=True, kw_only=True):
    """The checker's verdict over a history and a ledger; lists hold keys, cut to the first 20.

    `misplaced` counts keys with a row on a site that may not hold them.
    """

    schema: int = 1
    invoked: int
    acked: int
    unknown: int
    lost: int
    duplicate: int
    phantom: int
    mismatch: int
    idempotency: int
    unexpected: int
    examples: dict[str, tuple[str, ...]]
    misplaced: int = 0
