"""One request of a driven run on its way, and how it is made from its kind."""

from collections.abc import Mapping
from typing import Protocol

from contracts.drive import DriveRow
from contracts.load import Outcome
from loadtest.connection import Exchange
from loadtest.drive.cells import Cell
from loadtest.drive.kinds import Kind, Moments
from loadtest.outcome import Failure


class Ender(Protocol):
    """Who is told how a shot ended."""

    def ended(self, shot: "Shot", failure: Failure) -> None:
        """The answer is complete, or there will be none."""
        ...

    def fail(self, error: BaseException) -> None:
        """The run cannot go on."""
        ...


class Shot(Exchange):
    """One request of the run; an order sent again is another shot of the same request."""

    __slots__ = (
        "attempt", "beacon", "canary", "cell", "ender", "first_sent_ns", "intended_ns",
        "key", "kind", "n", "order_body",
    )  # fmt: skip

    def __init__(self, kind: Kind, cell: Cell, *, deadline_ns: int, ender: Ender) -> None:
        super().__init__(kind.compiled.constant, deadline_ns)
        self.kind = kind
        self.cell = cell
        self.ender = ender
        self.intended_ns = 0
        self.n = 0
        self.attempt = 1
        self.first_sent_ns = 0
        self.key = ""
        self.order_body = b""
        self.beacon = ""
        self.canary = 0

    def dress(self, moments: Moments, canary_ids: Mapping[str, range], *, epoch_ms: int) -> None:
        """Fill in what is different for each request of its kind."""
        compiled = self.kind.compiled
        moment = moments.next(self.kind, n=self.n, epoch_ms=epoch_ms)
        self.payload = compiled.render(moment)
        self.beacon = moment.beacon
        if compiled.canaries:
            ids = canary_ids[compiled.canaries[0]]
            self.canary = ids[moment.canary % len(ids)]
        if self.kind.template.kind == "order":
            self.key = moment.key
            self.order_body = compiled.render_body(moment)

    def again(self, deadline_ns: int) -> "Shot":
        """The next attempt: the same bytes under the same key."""
        shot = Shot(self.kind, self.cell, deadline_ns=deadline_ns, ender=self.ender)
        shot.payload, shot.order_body = self.payload, self.order_body
        shot.key, shot.beacon, shot.canary = self.key, self.beacon, self.canary
        shot.n, shot.intended_ns, shot.first_sent_ns = self.n, self.intended_ns, self.first_sent_ns
        shot.attempt = self.attempt + 1
        return shot

    def finished(self, failure: Failure) -> None:
        """Tell the ender; what it cannot do ends the run."""
        try:
            self.ender.ended(self, failure)
        except Exception as error:  # noqa: BLE001  # the loop would log it, and the run wait for ever
            self.ender.fail(error)

    def row(self, outcome: Outcome, *, n: int, latency_us: int, late_us: int) -> DriveRow:
        """The line it ends as; `n` is its number in the whole run."""
        return DriveRow(
            n, self.intended_ns, latency_us, late_us, self.kind.template.name, self.status, outcome,
            self.attempt, self.served.decode("latin-1"), self.beacon, self.canary,
        )  # fmt: skip
