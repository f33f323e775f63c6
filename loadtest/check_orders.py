"""What a run's order history and the ledger prove together: lost, duplicate, phantom and the rest.

Pure, O(events + rows). Orders are independent by key, so counting per key is exact and no search over
interleavings is needed. An attempt without an answer proves nothing: its order may be in the ledger or not.
"""

from collections.abc import Iterable, Mapping
from typing import assert_never

from contracts.history import LedgerRow, OrderCheck, OrderEvent

EXAMPLES_MAX = 20


class _Key:
    """What the history says of one key; `open` counts invocations without a completion."""

    __slots__ = ("info", "open", "order_ids", "shas")

    def __init__(self) -> None:
        self.open = 0
        self.info = False
        self.order_ids: set[str] | None = None
        self.shas: set[str] = set()

    @property
    def indeterminate(self) -> bool:
        return self.info or self.open > 0


def check_orders(history: Iterable[OrderEvent], ledger: Iterable[LedgerRow]) -> OrderCheck:
    """Hold every key of the history against the ledger's rows of the same run.

    `lost`: acknowledged, not in the ledger. `duplicate`: rows beyond the first of a key. `phantom`: every
    attempt surely failed, yet there is a row. `idempotency`: acknowledgements of one key name different
    orders. `mismatch`: an acknowledged order id, or the body of a row, is not that of its key. `unexpected`:
    a row whose key was never sent. `unknown`: not acknowledged, allowed to have 0 or 1 rows.
    """
    keys = _by_key(history)
    rows: dict[str, list[LedgerRow]] = {}
    for row in ledger:
        rows.setdefault(row.key, []).append(row)
    found = _Findings()
    for key, said in keys.items():
        found.judge(key, said, rows.get(key, []))
    for key, of_key in rows.items():
        if key not in keys:
            found.add("unexpected", key, count=len(of_key))
    counts = found.counts
    return OrderCheck(
        invoked=len(keys),
        acked=sum(said.order_ids is not None for said in keys.values()),
        unknown=sum(said.order_ids is None and said.indeterminate for said in keys.values()),
        lost=counts.get("lost", 0),
        duplicate=counts.get("duplicate", 0),
        phantom=counts.get("phantom", 0),
        mismatch=counts.get("mismatch", 0),
        idempotency=counts.get("idempotency", 0),
        unexpected=counts.get("unexpected", 0),
        examples=found.examples(),
    )


class _Findings:
    """Counts and the first keys of every kind of finding."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._keys: dict[str, list[str]] = {}

    def add(self, kind: str, key: str, *, count: int = 1) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + count
        examples = self._keys.setdefault(kind, [])
        if len(examples) < EXAMPLES_MAX:
            examples.append(key)

    def examples(self) -> dict[str, tuple[str, ...]]:
        return {kind: tuple(keys) for kind, keys in self._keys.items()}

    def judge(self, key: str, said: _Key, rows: list[LedgerRow]) -> None:
        if len(rows) > 1:
            self.add("duplicate", key, count=len(rows) - 1)
        if said.order_ids is not None:
            if len(said.order_ids) > 1:
                self.add("idempotency", key)
            if not rows:
                self.add("lost", key)
        elif rows and not said.indeterminate:
            self.add("phantom", key)
        if rows and not _agrees(said, rows):
            self.add("mismatch", key)


def _agrees(said: _Key, rows: list[LedgerRow]) -> bool:
    ids = {row.order_id for row in rows}
    if said.order_ids is not None and not said.order_ids <= ids:
        return False
    return all(row.body_sha in said.shas for row in rows)


def _by_key(history: Iterable[OrderEvent]) -> Mapping[str, _Key]:
    keys: dict[str, _Key] = {}
    for event in history:
        said = keys.get(event.key)
        if said is None:
            said = keys[event.key] = _Key()
        match event.kind:
            case "invoke":
                said.open += 1
                said.shas.add(event.body_sha)
            case "ok":
                said.open -= 1
                said.order_ids = {event.order_id, *(said.order_ids or ())}
            case "fail":
                said.open -= 1
            case "info":
                said.open -= 1
                said.info = True
            case _:
                assert_never(event.kind)
    return keys
