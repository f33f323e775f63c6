"""One pass: see, plan, and write what differs, in an order in which each write may be the last one made.

The planner decides; this observes, writes and verifies. A pass that finds everything as it should be writes
nothing. What fails waits by its key and is decided anew; nothing is remembered but what only costs time to lose.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from autoscale.control.clock import Clock
from autoscale.control.events import Announcer
from autoscale.control.look import Demand, Known, Look, Terms, look
from autoscale.control.measured import measured
from autoscale.control.status import QUIET, Troubles
from autoscale.control.view import View
from autoscale.control.work import (
    Decided,
    Write,
    decided_on,
    farewells,
    finalizers,
    pools,
    statuses,
    workloads,
)
from autoscale.control.workqueue import FINAL_S, SPARE, WorkQueue
from autoscale.control.writer import Writer
from autoscale.kube.ports import NOT_FOUND, RefusedError, UnreachableError
from autoscale.plan.durations import seconds
from autoscale.plan.model import Forecast, Plan, Timing
from autoscale.plan.planner import plan
from autoscale.targets.holders import Shape, priority
from autoscale.targets.pools import GroupSeen
from contracts.promotion import Promotion, workload_keys

ERRORS_MAX = 5
"""So many failures of one pass are told in full; all are counted."""


class Sources(Protocol):
    """What is known from elsewhere, asked once a pass; each answers at once with what it has."""

    def demand(self, windows: Mapping[str, float]) -> Mapping[str, Demand]:
        """Live demand of these workloads; its highest over so many seconds."""
        ...

    def groups(self) -> Mapping[str, GroupSeen]:
        """Cloud node groups by pool."""
        ...

    def set_minimum(self, pool: str, minimum: int) -> None:
        """Set a cloud node group's minimum."""
        ...

    def capacity(self) -> Mapping[str, float]:
        """Measured requests per second of a replica, by workload."""
        ...

    def forecasts(self, promotions: Sequence[Promotion]) -> Iterable[Forecast]:
        """Demand curves of these promotions."""
        ...

    def canary(self, keys: Iterable[str]) -> Mapping[str, str]:
        """Workloads whose canary request failed, and why."""
        ...


class Duties(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of passes; `shape` is what a pool's placeholder pods are made of."""

    terms: Terms
    timing: Timing
    restore_s: float
    observe_only: bool
    shape: Callable[[str], Shape]


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass did; `wake_s` is when the next one is due at the latest, None: only when something changes."""

    plan: Plan
    look: Look
    writes: int
    failures: int
    wake_s: float | None
    errors: tuple[str, ...] = ()


class Controller:
    """Everything between caches and writes; `run_once` is called by one thread only."""

    def __init__(
        self, view: View, writer: Writer, sources: Sources, *,
        clock: Clock, duties: Duties,
    ) -> None:  # fmt: skip
        self._view, self._writer, self._sources = view, writer, sources
        self._clock, self._duties = clock, duties
        self._queue = WorkQueue()
        self._announcer = Announcer()
        self._refused: dict[str, str] = {}
        self._nodes_now: dict[str, int] = {}
        self._windows: dict[str, float] = {}
        self._began = False
        self._has_priority = False
        self._counts = [0, 0]
        self._errors: list[str] = []

    def run_once(self) -> Passed:
        """One pass. Raises `LeaseLostError`; everything else is counted and tried again later."""
        self._counts = [0, 0]
        self._errors = []
        seen, planned = self._see()
        decided = decided_on(seen, planned)
        self._do(finalizers(seen, planned))
        seen = self._look()
        troubles = Troubles(refused=dict(self._refused), canary=self._sources.canary(seen.targets))
        said = list(statuses(seen, planned, troubles))
        self._do(write for write in said if write.records)
        if not self._duties.observe_only:
            self._scale(decided)
        # last, or a thousand words would take the tokens of one floor
        self._do(write for write in said if not write.records)
        self._do(farewells(self._look(), self._refused, restore_s=self._duties.restore_s))
        self._send_events()
        self._nodes_now = nodes_now(planned)
        return Passed(
            plan=planned, look=seen, writes=self._counts[0], failures=self._counts[1],
            wake_s=self._wake_s(planned), errors=tuple(self._errors[:ERRORS_MAX]),
        )  # fmt: skip

    def _see(self) -> tuple[Look, Plan]:
        seen = self._look()
        self._windows = windows_of(seen)
        planned = plan(
            seen.now, seen.planned, seen.observed, timing=measured(seen, self._duties.timing),
            forecasts=self._sources.forecasts(seen.planned),
        )  # fmt: skip
        if not self._began:
            # whoever ran before us held these, and wrote the account when it last wrote the status
            held = {key for key, one in seen.seen.items() if one.status.phase not in QUIET}
            self._nodes_now = {key: n for key, n in nodes_now(planned).items() if key in held}
            self._began = True
        return seen, planned

    def _look(self) -> Look:
        snapshot = self._view.snapshot()
        known = Known(
            demand=self._sources.demand(self._windows), groups=self._sources.groups(),
            capacity=self._sources.capacity(), nodes_now=self._nodes_now,
        )  # fmt: skip
        return look(snapshot, self._clock.now(), known=known, terms=self._duties.terms)

    def _scale(self, decided: Decided) -> None:
        """On what is stored by now: a record whose write failed is not there, so nothing follows from it."""
        seen, snapshot, planned = self._look(), self._view.snapshot(), decided.plan
        shapes = {pool: self._duties.shape(pool) for pool in seen.pools}
        held = list(pools(seen, planned, snapshot, shapes=shapes))
        if any(not write.gone for write in held):
            self._ensure_priority()
        self._do(held)
        self._set_groups(seen, planned)
        self._do(workloads(seen, decided, snapshot, restore_s=self._duties.restore_s))

    def _ensure_priority(self) -> None:
        if self._has_priority:
            return
        write = Write(key="priority", subject="", ask=priority())
        self._has_priority = self._writer.exists(write.ask.path) or self._one(write)

    def _set_groups(self, seen: Look, planned: Plan) -> None:
        for pool, wanted in group_minimums(seen, planned):
            key = f"group {pool}"
            if not self._queue.admits(key, self._clock.monotonic()):
                continue
            try:
                self._writer.guard()
                self._sources.set_minimum(pool, wanted)
                self._counts[0] += 1
                self._queue.done(key)
                self._refused.pop(pool, None)
            except (RefusedError, UnreachableError) as error:
                self._failed(key, pool, error)

    def _do(self, writes: Iterable[Write]) -> None:
        stuck = set[str]()
        for write in writes:
            # of several writes that go by one key, the later need the earlier
            if write.key not in stuck and not self._one(write):
                stuck.add(write.key)

    def _one(self, write: Write) -> bool:
        spare = SPARE if write.change is not None and not write.records else 0.0
        if not self._queue.admits(write.key, self._clock.monotonic(), spare=spare):
            return False
        try:
            answer = self._writer.send(write.ask)
        except RefusedError as error:
            if error.status == NOT_FOUND and write.gone:
                return True
            self._failed(write.key, write.subject, error)
            return False
        except UnreachableError as error:
            self._failed(write.key, write.subject, error)
            return False
        self._counts[0] += 1
        self._queue.done(write.key)
        self._refused.pop(write.subject, None)
        self._take(write, answer)
        return True

    def _take(self, write: Write, answer: bytes) -> None:
        kind = kind_of(answer)
        if write.change is not None:
            self._announcer.changed(write.change, now=self._clock.now())
        self._view.took(kind, answer, gone=write.gone)

    def _failed(self, key: str, subject: str, error: RefusedError | UnreachableError) -> None:
        self._counts[1] += 1
        self._errors.append(f"{key}: {error}")
        after_s = 0.0
        if isinstance(error, RefusedError):
            after_s = FINAL_S if error.is_final else error.retry_after_s
            if error.is_final:
                self._refused[subject] = str(error)
        self._queue.failed(key, self._clock.monotonic(), at_least_s=after_s)

    def _send_events(self) -> None:
        for ask in self._announcer.take():
            if not self._queue.admits("event", self._clock.monotonic(), spare=SPARE):
                return
            try:
                self._writer.send(ask)
            except (RefusedError, UnreachableError):
                # an event is told once; the condition it speaks of stays
                self._counts[1] += 1

    def _wake_s(self, planned: Plan) -> float | None:
        dues = [self._queue.wake_s(self._clock.monotonic())]
        if planned.next_boundary is not None:
            left_s = (planned.next_boundary - self._clock.now()).total_seconds()
            dues.append(max(0.0, left_s))
        return min((due for due in dues if due is not None), default=None)


def nodes_now(planned: Plan) -> dict[str, int]:
    """How many nodes each promotion accounts for."""
    return {key: sum(one.nodes_now.values()) for key, one in planned.promotions.items()}


def windows_of(seen: Look) -> dict[str, float]:
    """How far back the demand of each workload must be low before it is let go, in seconds."""
    found: dict[str, float] = {}
    for promotion in seen.planned:
        for key in workload_keys(promotion):
            found[key] = max(found.get(key, 0.0), seconds(promotion.spec.release.for_))
    return found


class _Kinded(msgspec.Struct, frozen=True):
    kind: str = ""


def kind_of(answer: bytes) -> str:
    """The kind of the object in an answer."""
    return msgspec.json.decode(answer, type=_Kinded).kind


def group_minimums(seen: Look, planned: Plan) -> Iterator[tuple[str, int]]:
    """Cloud node groups whose minimum should be another one: raised for promotions, given back after."""
    for pool, one in seen.pools.items():
        wanted = planned.pools.get(pool)
        recorded = seen.observed.pools[pool].baseline
        if one.means != "group" or wanted is None or not isinstance(one.standing, GroupSeen):
            continue
        if wanted.restore and recorded is not None and one.minimum > recorded:
            yield pool, recorded
        elif wanted.promotions and recorded is not None and one.minimum != wanted.nodes:
            yield pool, wanted.nodes
