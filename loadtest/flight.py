"""One planned request under way, and the row it ends as. Pure."""

from contracts.load import Outcome, RequestRow
from loadtest.plan import PlannedRequest


class Flight:
    """One planned request under way: its planned instant and what an order's attempts add up to.

    `handed_ns` is when its first bytes left, or when it was given up if none did. `body_sha` is empty for
    all that stays out of the order history. `known_profile` is what the answer of a profile read must
    contain, empty while no write of it was acknowledged.
    """

    __slots__ = (
        "attempts", "body_sha", "handed_ns", "intended_ns", "key", "known_profile", "planned", "served",
    )  # fmt: skip

    def __init__(self, planned: PlannedRequest, intended_ns: int) -> None:
        self.planned = planned
        self.intended_ns = intended_ns
        self.handed_ns = 0
        self.attempts = 0
        self.served = b""
        self.key = ""
        self.body_sha = ""
        self.known_profile = b""

    @property
    def late_us(self) -> int:
        """How far behind its planned instant it was really sent."""
        return (self.handed_ns - self.intended_ns) // 1000

    def row(self, outcome: Outcome, *, status: int, ended_ns: int) -> RequestRow:
        """The line of `requests.ndjson` it ends as."""
        planned = self.planned
        return RequestRow(
            planned.n,
            self.intended_ns,
            (ended_ns - self.intended_ns) // 1000,
            self.late_us,
            planned.operation,
            planned.expected,
            planned.door,
            status,
            outcome,
            planned.idempotent,
            self.attempts,
            self.served.partition(b"/")[0].decode("latin-1"),
            planned.beacon,
            planned.planting.id if planned.planting is not None else 0,
            planned.identity if planned.action == "click" else "",
        )
