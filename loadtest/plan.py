"""What a run sends and when: an open-loop schedule, equal for equal plans.

Pure. Open loop: a request's time never depends on an answer. Canaries stand on requests that look public,
at both doors; orders and profiles always go to the core and carry a canary each, so a misrouted one shows.
"""

import hashlib
from collections.abc import Iterator
from typing import Literal, Protocol, assert_never

import msgspec

from contracts.load import Door, LoadPlan, Operation, TrafficClass
from contracts.tap import Canary
from loadtest.canary import (
    CAPACITY,
    DETECTORS,
    Detector,
    Planting,
    letters,
    planting,
    planting_in_sensitive,
    slot_of,
)

Action = Literal["ads", "click", "order", "order_conflict", "profile_put", "profile_get"]
Arrivals = Literal["poisson", "uniform"]

CONFLICT_SHARE = 0.005
"""Share of orders that send an acknowledged key again with another body and must be answered 422."""
PROFILE_GET_LAG = 4
"""A profile is read back this many profile writes later, so that its write has been answered."""


RUN_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
RUN_CHARS_MAX = 48
RUN_DIGITS_MAX = 8
"""A run's name starts every event id, order key and profile id, so it must fit into each of them."""


class Randomness(Protocol):
    """What the plan draws from; `random.Random(plan.seed)` in every run."""

    def random(self) -> float:
        """The next number in [0, 1)."""
        ...

    def expovariate(self, lambd: float, /) -> float:
        """The next gap of a Poisson process with `lambd` arrivals per second."""
        ...


class PlannedRequest(msgspec.Struct, frozen=True, gc=False):
    """One request: `offset_ns` after the start; `identity` is its event id, order key or profile id.

    `beacon` is empty unless the request is public; `planting` is None unless it carries a canary.
    """

    n: int
    offset_ns: int
    action: Action
    door: Door
    expected: TrafficClass
    identity: str
    beacon: str
    planting: Planting | None

    @property
    def operation(self) -> Operation:
        """The operation of the mix this action belongs to."""
        return OPERATION_OF[self.action]

    @property
    def idempotent(self) -> bool:
        """Whether sending it twice is the same as once (orders are, by their key)."""
        return self.action != "click"


OPERATION_OF: dict[Action, Operation] = {
    "ads": "ads", "click": "click", "order": "order", "order_conflict": "order",
    "profile_put": "profile", "profile_get": "profile",
}  # fmt: skip


class Names:
    """The names within one run; counters are letters, for none of ours may look like a number of a person."""

    def __init__(self, plan: LoadPlan) -> None:
        digest = hashlib.sha256(f"{plan.run}\0{plan.seed}".encode()).digest()
        self._run = plan.run
        self._beacon = "b-" + letters(int.from_bytes(digest[8:20]), 16)
        self._first = {
            detector: int.from_bytes(digest[20 + at : 23 + at]) % CAPACITY[detector]
            for at, detector in enumerate(DETECTORS)
        }
        self._used: dict[Detector, int] = dict.fromkeys(DETECTORS, 0)

    def identity(self, n: int) -> str:
        """The event id, order key or profile id of request `n`."""
        return f"{self._run}-{letters(n, 7)}"

    def beacon(self, n: int) -> str:
        """The beacon of request `n`: `b-` and 24 letters."""
        return self._beacon + letters(n, 8)

    def index(self, detector: Detector) -> int:
        """The next unused index of a canary range; a run starts where its name says."""
        self._used[detector] += 1
        return self._first[detector] + self._used[detector]

    def exhausted(self, detector: Detector) -> bool:
        """Whether the next value of this range was planted before in this run."""
        return self._used[detector] >= CAPACITY[detector]


def key_prefix(plan: LoadPlan) -> str:
    """What every event id, order key and profile id of this run starts with."""
    return plan.run + "-"


def plan_requests(
    plan: LoadPlan, rng: Randomness, *, arrivals: Arrivals = "poisson"
) -> Iterator[PlannedRequest]:
    """All requests of `plan` in order of time; `rng` must be seeded with `plan.seed`."""
    planner = _Planner(plan, rng)
    offset_s = 0.0
    n = 0
    while True:
        gap_s = rng.expovariate(plan.rate) if arrivals == "poisson" else 1.0 / plan.rate
        offset_s = offset_s + gap_s if arrivals == "poisson" else n * gap_s
        if offset_s >= plan.duration_s:
            return
        yield planner.request(n, int(offset_s * 1e9))
        n += 1


def manifest(requests: Iterator[PlannedRequest]) -> Iterator[Canary]:
    """The canaries of a run, as the taps are armed with them."""
    for request in requests:
        planted = request.planting
        if planted is not None:
            yield Canary(
                id=planted.id,
                detector=planted.detector,
                place=planted.place,
                value=planted.value,
                form_hex=planted.form.hex(),
            )


class _Planner:
    """The running counts a schedule needs: canaries, places, profile writes."""

    def __init__(self, plan: LoadPlan, rng: Randomness) -> None:
        self._rng = rng
        self._names = Names(plan)
        self._edge_share = plan.edge_share
        self._mix = _cumulative(plan.mix)
        open_share = plan.mix.get("ads", 0.0) + plan.mix.get("click", 0.0)
        self._canary_chance = min(1.0, plan.canary_share / open_share) if open_share else 0.0
        self._public_canaries = 0
        self._sensitive_canaries = 0
        self._written: list[str] = []
        self._profiles = 0

    def request(self, n: int, offset_ns: int) -> PlannedRequest:
        operation = self._draw_operation()
        match operation:
            case "ads" | "click":
                return self._public_looking(operation, n=n, offset_ns=offset_ns)
            case "order" | "profile":
                return self._sensitive(operation, n=n, offset_ns=offset_ns)
            case _:
                assert_never(operation)

    def _draw_operation(self) -> Operation:
        at = self._rng.random() * self._mix[-1][0]
        for upper, operation in self._mix:
            if at < upper:
                return operation
        return self._mix[-1][1]

    def _public_looking(
        self, operation: Literal["ads", "click"], *, n: int, offset_ns: int
    ) -> PlannedRequest:
        door: Door = "edge" if self._rng.random() < self._edge_share else "core"
        identity = self._names.identity(n)
        if self._rng.random() >= self._canary_chance:
            beacon = self._names.beacon(n)
            return PlannedRequest(n, offset_ns, operation, door, "public", identity, beacon, None)
        planted = self._plant_public()
        # A place decides which operation can carry it, so canaries bend the ads/click mix slightly.
        action: Action = "click" if planted.operation == "click" else "ads"
        return PlannedRequest(n, offset_ns, action, door, "raised", identity, "", planted)

    def _sensitive(
        self, operation: Literal["order", "profile"], *, n: int, offset_ns: int
    ) -> PlannedRequest:
        action, identity = self._sensitive_action(operation, n)
        planted = None if action == "profile_get" else self._plant_sensitive(operation)
        return PlannedRequest(n, offset_ns, action, "core", "sensitive", identity, "", planted)

    def _sensitive_action(
        self, operation: Literal["order", "profile"], n: int
    ) -> tuple[Action, str]:
        identity = self._names.identity(n)
        if operation == "order":
            conflict = self._rng.random() < CONFLICT_SHARE
            return ("order_conflict" if conflict else "order"), identity
        self._profiles += 1
        if self._profiles % 2:
            self._written.append(identity)
            return "profile_put", identity
        return "profile_get", self._written[max(0, len(self._written) - PROFILE_GET_LAG)]

    def _plant_public(self) -> Planting:
        ordinal = self._public_canaries
        self._public_canaries += 1
        _, detector, _ = slot_of(ordinal)
        return planting(ordinal, identity=self._next_canary(), index=self._names.index(detector))

    def _plant_sensitive(self, operation: Operation) -> Planting:
        detector = DETECTORS[self._sensitive_canaries % len(DETECTORS)]
        if self._names.exhausted(detector):
            detector = "bank-card"
        self._sensitive_canaries += 1
        return planting_in_sensitive(
            operation,
            identity=self._next_canary(),
            index=self._names.index(detector),
            detector=detector,
        )

    def _next_canary(self) -> int:
        return self._public_canaries + self._sensitive_canaries


def _cumulative(mix: dict[Operation, float]) -> tuple[tuple[float, Operation], ...]:
    total = 0.0
    rows: list[tuple[float, Operation]] = []
    for operation, share in mix.items():
        total += share
        rows.append((total, operation))
    return tuple(rows)


def plan_problem(plan: LoadPlan) -> str:
    """What is wrong with a plan (field, expectation), or an empty string."""
    share = sum(plan.mix.values())
    checks = (
        (plan.rate > 0, f"rate: {plan.rate:g}, expected arrivals per second above 0"),
        (plan.duration_s > 0, f"duration_s: {plan.duration_s:g}, expected seconds above 0"),
        (plan.timeout_s > 0, f"timeout_s: {plan.timeout_s:g}, expected seconds above 0"),
        (plan.connections_max > 0, f"connections_max: {plan.connections_max}, expected at least 1"),
        (abs(share - 1) < 1e-6, f"mix: shares sum to {share:g}, expected 1"),
        (min(plan.mix.values(), default=0) >= 0, "mix: a share is negative, expected 0 to 1"),
        (0 <= plan.edge_share <= 1, f"edge_share: {plan.edge_share:g}, expected 0 to 1"),
        (0 <= plan.canary_share <= 1, f"canary_share: {plan.canary_share:g}, expected 0 to 1"),
        (
            0 < len(plan.run) <= RUN_CHARS_MAX and set(plan.run) <= RUN_CHARS,
            f"run: expected 1 to {RUN_CHARS_MAX} letters, digits, dots, dashes or underscores",
        ),
        (
            sum(char.isdigit() for char in plan.run) <= RUN_DIGITS_MAX,
            f"run: expected at most {RUN_DIGITS_MAX} digits, or detectors take ids for numbers of a person",
        ),
    )
    return next((problem for fine, problem in checks if not fine), "")
