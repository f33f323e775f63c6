"""What a run's order history and the ledger prove together: lost, duplicate, phantom and the rest.

Pure, O(events + rows). Orders are independent by key, so counting per key is exact and no search over
interleavings is needed. An attempt without an answer proves nothing: its order may be in the ledger or not.
"""

from collections.abc import Iterable
from typing import assert_never

import msgspec

from contracts.history import LedgerRow, OrderCheck, OrderEvent

EXAMPLES_MAX = 20


class _Key(msgspec.Struct, gc=False):
    """What history and ledger say of one key; `open` counts invocations without a completion.

    A million of these are held at once: the first order id and digest stand in the open, sets only where a
    second one is seen, and the collector, which would look at all of them again and again, knows none.
    """

    sha: str
    open: int = 0
    info: bool = False
    acked: str | None = None
    more_acked: frozenset[str] = frozenset()
    more_shas: frozenset[str] = frozenset()
    rows: int = 0
    row_id: str | None = None
    more_ids: frozenset[str] = frozenset()
    altered: bool = False

    @property
    def indeterminate(self) -> bool:
        return self.info or self.open > 0

    @property
    def mismatched(self) -> bool:
        """Whether an acknowledged order, or the body of a row, is not that of the key."""
        if self.altered:
            return True
        if self.acked is None:
            return False
        ids = {self.row_id, *self.more_ids}
        return self.acked not in ids or not self.more_acked <= ids


def check_orders(
    history: Iterable[OrderEvent],
    ledger: Iterable[LedgerRow],
    *,
    may_hold: frozenset[str] | None = None,
) -> OrderCheck:
    """Hold every key of the history against the ledgers' rows of the same run, in one pass over each.

    `lost`: acknowledged, not in the ledger. `duplicate`: rows beyond the first of a key. `phantom`: every
    attempt surely failed, yet there is a row. `idempotency`: acknowledgements of one key name different
    orders. `mismatch`: an acknowledged order id, or the body of a row, is not that of its key. `unexpected`:
    a row whose key was never sent. `misplaced`: a key with a row on a site not in `may_hold` (None: any site
    may). `unknown`: not acknowledged, allowed to have 0 or 1 rows.
    """
    keys = _by_key(history)
    found = _Findings()
    for row in ledger:
        _place(keys, row, found, may_hold)
    for key, said in keys.items():
        found.judge(key, said)
    counts = found.counts
    return OrderCheck(
        invoked=len(keys),
        acked=sum(said.acked is not None for said in keys.values()),
        unknown=sum(said.acked is None and said.indeterminate for said in keys.values()),
        lost=counts.get("lost", 0),
        duplicate=counts.get("duplicate", 0),
        phantom=counts.get("phantom", 0),
        mismatch=counts.get("mismatch", 0),
        idempotency=counts.get("idempotency", 0),
        unexpected=counts.get("unexpected", 0),
        examples=found.examples(),
        misplaced=counts.get("misplaced", 0),
    )


class _Findings:
    """Counts and the first keys of every kind of finding."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._keys: dict[str, list[str]] = {}
        self._once: dict[str, set[str]] = {}

    def add(self, kind: str, key: str, *, count: int = 1) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + count
        examples = self._keys.setdefault(kind, [])
        if len(examples) < EXAMPLES_MAX:
            examples.append(key)

    def examples(self) -> dict[str, tuple[str, ...]]:
        return {kind: tuple(keys) for kind, keys in self._keys.items()}

    def add_once(self, kind: str, key: str) -> None:
        if key not in self._once.setdefault(kind, set()):
            self._once[kind].add(key)
            self.add(kind, key)

    def judge(self, key: str, said: _Key) -> None:
        if said.rows > 1:
            self.add("duplicate", key, count=said.rows - 1)
        if said.acked is not None:
            if said.more_acked:
                self.add("idempotency", key)
            if not said.rows:
                self.add("lost", key)
        elif said.rows and not said.indeterminate:
            self.add("phantom", key)
        if said.rows and said.mismatched:
            self.add("mismatch", key)


def _place(
    keys: dict[str, _Key], row: LedgerRow, found: _Findings, may_hold: frozenset[str] | None
) -> None:
    """Put a ledger's row to its key."""
    said = keys.get(row.key)
    if may_hold is not None and row.site not in may_hold:
        found.add_once("misplaced", row.key)
    if said is None:
        found.add("unexpected", row.key)
        return
    said.rows += 1
    # As most orders have one row of the body sent, only what differs needs a place to be kept.
    if said.row_id is None:
        said.row_id = row.order_id
    elif row.order_id != said.row_id:
        said.more_ids = said.more_ids | {row.order_id}
    if row.body_sha != said.sha and row.body_sha not in said.more_shas:
        said.altered = True


def _by_key(history: Iterable[OrderEvent]) -> dict[str, _Key]:
    keys: dict[str, _Key] = {}
    for event in history:
        said = keys.get(event.key)
        if said is None:
            said = keys[event.key] = _Key(event.body_sha)
        match event.kind:
            case "invoke":
                said.open += 1
                if event.body_sha != said.sha:
                    said.more_shas |= {event.body_sha}
            case "ok":
                said.open -= 1
                if said.acked is None:
                    said.acked = event.order_id
                elif event.order_id != said.acked:
                    said.more_acked |= {event.order_id}
            case "fail":
                said.open -= 1
            case "info":
                said.open -= 1
                said.info = True
            case _:
                assert_never(event.kind)
    return keys
