"""The client's side of the order history: what was invoked and what each answer proved, written as it happens."""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from contracts.history import OrderEvent
from loadtest.outcome import COMMITTED, Failure, history_kind

EventKind = Literal["invoke", "ok", "fail", "info"]


class Lines(Protocol):
    """Where a line goes and is safe once the call returns."""

    def write(self, row: msgspec.Struct) -> None:
        """Put a line out at once."""
        ...


class OrderNamed(msgspec.Struct):
    """The one field of an order's answer that is looked at."""

    order_id: str = ""


class OrderAttempt(msgspec.Struct, frozen=True):
    """One send of one order: its key, the number of the send (from 1), the digest of its body."""

    key: str
    attempt: int
    body_sha: str


class OrderHistory:
    """Writes `invoke` before an attempt's bytes leave and `ok|fail|info` when it ended."""

    def __init__(
        self,
        lines: Lines,
        *,
        mono_ns: Callable[[], int],
        wall_ns: Callable[[], int],
        expected: frozenset[int] = COMMITTED,
    ) -> None:
        """`expected` are the answers that say an order was committed."""
        self._expected = expected
        self._lines = lines
        self._mono_ns = mono_ns
        self._wall_ns = wall_ns

    def invoke(self, order: OrderAttempt) -> None:
        """An attempt is about to be sent."""
        self._write(order, "invoke")

    def answer(self, order: OrderAttempt, *, status: int, body: bytes, failure: Failure) -> None:
        """An attempt ended; only an `ok` answer's order id is believed."""
        kind = history_kind(status=status, failure=failure, expected=self._expected)
        self._write(order, kind, order_id=order_id_of(body) if kind == "ok" else "", status=status)

    def _write(
        self, order: OrderAttempt, kind: EventKind, *, order_id: str = "", status: int = 0
    ) -> None:
        self._lines.write(
            OrderEvent(
                kind=kind,
                key=order.key,
                attempt=order.attempt,
                mono_ns=self._mono_ns(),
                wall_ms=self._wall_ns() // 10**6,
                body_sha=order.body_sha,
                order_id=order_id,
                status=status,
            )
        )


_NAMED = msgspec.json.Decoder(OrderNamed)


def order_id_of(body: bytes) -> str:
    """The order id an answer names, or an empty string."""
    try:
        return _NAMED.decode(body).order_id
    except msgspec.MsgspecError:
        return ""
