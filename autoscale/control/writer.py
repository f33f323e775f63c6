"""The only way to write: each write asks the lease first, lasts no longer than it, and is counted by outcome."""

from autoscale.control.lease import Fence, LeaseLostError
from autoscale.kube.ports import (
    BAD_REQUEST,
    Answer,
    Ask,
    RefusedError,
    Transport,
    UnreachableError,
    checked,
)

WRITE_S = 10.0


class Writer:
    """Writes of one replica; `written` counts by what became of them."""

    def __init__(self, transport: Transport, fence: Fence) -> None:
        self._transport, self._fence = transport, fence
        self.written: dict[str, int] = {}

    def send(self, ask: Ask) -> bytes:
        """One write. Raises `LeaseLostError`, `RefusedError`, `UnreachableError`."""
        left_s = self.guard()
        try:
            answer: Answer = self._transport.ask(ask, timeout_s=min(WRITE_S, left_s))
            body = checked(answer)
        except RefusedError as error:
            self._count(str(error.status))
            raise
        except UnreachableError:
            self._count("unreachable")
            raise
        self._count("done")
        return body

    def exists(self, path: str) -> bool:
        """Whether there is such an object; not known counts as no."""
        try:
            answer = self._transport.ask(Ask(method="GET", path=path), timeout_s=WRITE_S)
        except UnreachableError:
            return False
        return answer.status < BAD_REQUEST

    def guard(self) -> float:
        """Seconds the lease is held for; asked before each write, of whatever kind. Raises `LeaseLostError`."""
        left_s = self._fence.left_s()
        if left_s <= 0:
            raise LeaseLostError("a write was not sent: the lease is not held")
        return left_s

    def _count(self, outcome: str) -> None:
        self.written[outcome] = self.written.get(outcome, 0) + 1
