"""The kinds of a plan as a worker needs them: what to render, where to send it, what its answers mean.

Pure: equal plans, workers and draws give equal requests.
"""

import hashlib
from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from contracts.drive import DrivePlan, RequestTemplate
from contracts.load import Outcome
from contracts.tap import Canary, Place
from loadtest.canary import CAPACITY, DETECTORS, Detector, canary_value, letters
from loadtest.drive.document import Loaded
from loadtest.drive.feeds import FeedRows
from loadtest.drive.template import Compiled, Moment, compile_template, places
from loadtest.outcome import SHED, Failure

_SUCCESS = frozenset(range(200, 300))
_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request; `watched` says that each of its requests is worth a row."""

    index: int
    template: RequestTemplate
    compiled: Compiled
    expect: frozenset[int]
    idempotent: bool
    watched: bool

    def outcome(self, *, status: int, failure: Failure) -> Outcome:
        """How an answer or its absence counts; without one, what may not be repeated is `unknown`."""
        if failure:
            return "failed" if self.idempotent or failure == "refused" else "unknown"
        if status in self.expect:
            return "ok"
        return "shed" if status in SHED else "failed"


def kinds_of(loaded: Loaded) -> tuple[Kind, ...]:
    """All kinds of a plan, in its order."""
    plan = loaded.plan
    planted = {name: values for name, (values, _) in _planted(plan).items()}
    columns = {name: feed.columns for name, feed in loaded.feeds.items()}
    found: list[Kind] = []
    for index, template in enumerate(plan.requests):
        compiled = compile_template(
            template, plan.targets[template.target], columns=columns, canaries=planted
        )
        watched = (
            plan.rows == "all" or template.kind == "order"
            or "beacon" in compiled.own or bool(compiled.canaries)
        )  # fmt: skip
        found.append(
            Kind(
                index=index, template=template, compiled=compiled,
                expect=frozenset(template.expect) or _SUCCESS,
                idempotent=idempotent(template), watched=watched,
            )
        )  # fmt: skip
    return tuple(found)


def idempotent(template: RequestTemplate) -> bool:
    """Whether sending it twice is the same as once."""
    if template.repeat == "by-method":
        return template.kind == "order" or template.method in _REPEATABLE
    return template.repeat == "safe"


def manifest(plan: DrivePlan) -> Iterator[Canary]:
    """The canaries of a run, as the taps are armed with them."""
    for detector, (values, first_id) in _planted(plan).items():
        place = _place_of(plan, detector)
        for at, value in enumerate(values):
            yield Canary(
                id=first_id + at, detector=detector, place=place, value=value.decode(),
                form_hex=value.hex(),
            )  # fmt: skip


def canary_ids(plan: DrivePlan) -> dict[str, range]:
    """Per detector in use the numbers of its canaries; values are planted in turn."""
    return {
        detector: range(first_id, first_id + len(values))
        for detector, (values, first_id) in _planted(plan).items()
    }


def _planted(plan: DrivePlan) -> dict[str, tuple[tuple[bytes, ...], int]]:
    """Per detector in use its values and the id of the first."""
    digest = hashlib.sha256(f"{plan.run}\0{plan.seed}".encode()).digest()
    used = {name for _, _, name in _places(plan)}
    found: dict[str, tuple[tuple[bytes, ...], int]] = {}
    for at, detector in enumerate(DETECTORS):
        if detector in used:
            first = int.from_bytes(digest[at * 4 : at * 4 + 4]) % CAPACITY[detector]
            count = min(plan.canaries, CAPACITY[detector])
            values = tuple(canary_value(detector, first + n).encode() for n in range(count))
            found[detector] = (values, at * plan.canaries + 1)
    return found


def _places(plan: DrivePlan) -> Iterator[tuple[RequestTemplate, str, Detector]]:
    """Template, text path and detector of every canary place."""
    known: dict[str, Detector] = {f"canary.{name}": name for name in DETECTORS}
    for template in plan.requests:
        path, _, query = template.path.partition("?")
        parts = {"path": path, "query": query, "body": template.body}
        parts |= {f"headers.{name.lower()}": value for name, value in template.headers.items()}
        for where, text in parts.items():
            for name in places(text):
                if name in known:
                    yield template, where, known[name]


def _place_of(plan: DrivePlan, detector: str) -> Place:
    template, where, _ = next(it for it in _places(plan) if it[2] == detector)
    match where:
        case "path" | "query":
            return where
        case "headers.cookie":
            return "cookie"
        case "body":
            kinds = {name.lower(): value for name, value in template.headers.items()}
            return "form" if "form" in kinds.get("content-type", "") else "json"
        case _:
            return "header"


class Moments:
    """Hands out what is different for each request of one worker."""

    def __init__(
        self, loaded: Loaded, *, worker: int, workers: int, rng: np.random.Generator
    ) -> None:
        plan = loaded.plan
        digest = hashlib.sha256(f"{plan.run}\0{plan.seed}\0{worker}".encode()).digest()
        self._key = f"{plan.run}-{letters(worker, 2)}"
        self._beacon = "b-" + letters(int.from_bytes(digest[:12]), 16)
        self._feeds = loaded.feeds
        self._cursors = dict.fromkeys(loaded.feeds, worker)
        self._workers = workers
        self._rng = rng
        self._canary = worker

    def next(self, kind: Kind, *, n: int, epoch_ms: int) -> Moment:
        """What the `n`-th request of this worker renders with."""
        asked = kind.compiled
        canary = self._canary
        if asked.canaries:
            self._canary += self._workers
        return Moment(
            n=n,
            key=self._key + letters(n, 8) if kind.template.kind == "order" or "key" in asked.own else "",
            beacon=self._beacon + letters(n, 8) if "beacon" in asked.own else "",
            canary=canary,
            epoch_ms=epoch_ms,
            rows=self._rows(asked.feeds),
        )  # fmt: skip

    def _rows(self, names: frozenset[str]) -> Mapping[str, tuple[bytes, ...]]:
        return {name: self._row(name, self._feeds[name]) for name in names}

    def _row(self, name: str, feed: FeedRows) -> tuple[bytes, ...]:
        if feed.random:
            return feed.rows[int(self._rng.integers(len(feed.rows)))]
        at = self._cursors[name]
        # Workers take rows in turn, so that no two send the same one before all were sent.
        self._cursors[name] = at + self._workers
        return feed.rows[at % len(feed.rows)]
