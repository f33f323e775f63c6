"""plan.yaml to a plan that can be run: what the grammar cannot say is checked here, with file and line.

Pure: files are read by the function handed in. Nothing is sent before the whole plan is known to be good.
"""

import re
from collections.abc import Callable, Iterator

import msgspec

from contracts.drive import DrivePlan, Phase, RequestTemplate, Segment
from loadtest.canary import DETECTORS
from loadtest.drive.feeds import FeedRows, clean, from_csv, from_values, trace_of
from loadtest.drive.profile import Piece, TracePoint, phases_of, pieces_of
from loadtest.drive.template import OWN, PLACE, places, texts
from policy.document import Document, read_document
from policy.problems import PolicyError, did_you_mean

REQUESTS_MAX = 1e9
"""More than this is a slip of the unit: 100,000 a second for nearly three hours."""
DURATION_MAX_S = 86_400.0
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers the engine writes itself; a second one would make another request of it."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"/[!-~]*")
_VISIBLE = re.compile(rb"[!-~]*")
_ADDRESS = re.compile(r"[A-Za-z0-9.-]+:([0-9]{1,5})")

Read = Callable[[str], bytes]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with everything it refers to."""

    plan: DrivePlan
    feeds: dict[str, FeedRows]
    pieces: tuple[Piece, ...]
    phases: tuple[Phase, ...]

    @property
    def duration_s(self) -> float:
        """How long requests are intended for."""
        return self.phases[-1].end_s


def load_plan(data: bytes, source: str, read: Read) -> Loaded:
    """The plan in `data`; `read` gives the bytes of a file it names, or raises `OSError`.

    Raises `PolicyError` with every fault found: file, line, what was expected, how to mend it.
    """
    document = read_document(data, source, DrivePlan)
    plan = document.value
    if plan is None:
        document.finish()
        raise AssertionError("a document without a value has problems")
    feeds = _feeds(document, plan, read)
    traces = _traces(document, plan, read)
    _check_targets(document, plan)
    _check_requests(document, plan, feeds)
    _check_profile(document, plan)
    document.finish()
    loaded = Loaded(
        plan=plan,
        feeds=feeds,
        pieces=pieces_of(plan.profile, traces),
        phases=phases_of(plan.profile, traces),
    )
    _check_size(document, loaded)
    document.finish()
    return loaded


def _file(document: Document[DrivePlan], path: str, name: str, read: Read) -> bytes | None:
    try:
        return read(name)
    except OSError as error:
        document.report(
            path, f'"{name}": {error.strerror or error}', expected="a readable file",
            fix="correct the path; it starts at the plan's directory",
        )  # fmt: skip
    return None


def _feeds(document: Document[DrivePlan], plan: DrivePlan, read: Read) -> dict[str, FeedRows]:
    found: dict[str, FeedRows] = {}
    for name, feed in plan.feeds.items():
        path, random = f"feeds.{name}", feed.order == "random"
        if bool(feed.values) == bool(feed.file):
            document.report(
                path, "has values and a file" if feed.file else "has neither values nor a file",
                expected="one of the two", fix="write values: [a, b], or file: rows.csv",
            )  # fmt: skip
        elif feed.values:
            for at, value in enumerate(feed.values):
                if not clean(value):
                    document.report(
                        f"{path}.values[{at}]", "has a control character",
                        expected="text without line ends", fix="remove it",
                    )  # fmt: skip
            found[name] = from_values(feed.values, random=random)
        elif (data := _file(document, f"{path}.file", feed.file, read)) is not None:
            with _Collected(document):
                found[name] = from_csv(data, feed.file, random=random)
    return found


def _traces(
    document: Document[DrivePlan], plan: DrivePlan, read: Read
) -> dict[str, tuple[TracePoint, ...]]:
    found: dict[str, tuple[TracePoint, ...]] = {}
    for at, segment in enumerate(plan.profile):
        if segment.kind != "trace" or segment.file in found:
            continue
        path = f"profile[{at}].file"
        if not segment.file:
            document.report(
                f"profile[{at}]", "a trace without a file", expected="file: rates.csv",
                fix="name the file of second,rate lines",
            )  # fmt: skip
        elif (data := _file(document, path, segment.file, read)) is not None:
            with _Collected(document):
                found[segment.file] = trace_of(data, segment.file)
    return found


class _Collected:
    """Problems of a file that the plan names join those of the plan."""

    def __init__(self, document: Document[DrivePlan]) -> None:
        self._document = document

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, PolicyError):
            self._document.problems.extend(error.problems)
            return True
        return False


def _check_targets(document: Document[DrivePlan], plan: DrivePlan) -> None:
    for name, address in plan.targets.items():
        found = _ADDRESS.fullmatch(address)
        if not found or not 0 < int(found[1]) < 65536:
            document.report(
                f"targets.{name}", f'"{address}" is no address', expected="HOST:PORT",
                fix="write for example 127.0.0.1:8080",
            )  # fmt: skip


def _check_requests(
    document: Document[DrivePlan], plan: DrivePlan, feeds: dict[str, FeedRows]
) -> None:
    seen: set[str] = set()
    for at, template in enumerate(plan.requests):
        path = f"requests[{at}]"
        if template.name in seen:
            document.report(f"{path}.name", f'"{template.name}" stands twice',
                            expected="each name once", fix="rename one")  # fmt: skip
        seen.add(template.name)
        if template.target not in plan.targets:
            document.report(
                f"{path}.target", f'unknown target "{template.target}"',
                expected=f"one of {', '.join(plan.targets)}",
                fix=did_you_mean(template.target, plan.targets),
            )  # fmt: skip
        for place, message, expected, fix in _faults(template):
            document.report(f"{path}.{place}", message, expected=expected, fix=fix)
        for place, text in texts(template):
            for name in places(text):
                if said := _unknown_place(name, plan, feeds):
                    document.report(
                        f"{path}.{place}", f"unknown place ${{{name}}}", expected=said,
                        fix="correct the name",
                    )  # fmt: skip
                elif place == "path" and (bad := _breaks_path(name, feeds)):
                    document.report(
                        f"{path}.path", f"value {bad} of ${{{name}}} is no part of a target",
                        expected="printable ASCII without spaces", fix="percent-encode the feed",
                    )  # fmt: skip


def _faults(template: RequestTemplate) -> Iterator[tuple[str, str, str, str]]:
    """Place, message, expectation and fix of what is wrong with one template by itself."""
    if not _TARGET.fullmatch(PLACE.sub("x", template.path)):
        yield (
            "path",
            "is no request target",
            "printable ASCII that starts with /",
            "percent-encode it",
        )
    yield from _header_faults(template)
    if template.body and template.method in {"GET", "DELETE"}:
        yield "body", f"a {template.method} with a body", "POST, PUT or PATCH", "change the method"
    if bad := [code for code in template.expect if not 200 <= code <= 599]:
        yield "expect", f"{bad[0]} is no final status", "200 to 599", "correct it"
    if template.kind == "order":
        if template.method not in {"POST", "PUT"}:
            yield "method", f"an order by {template.method}", "POST or PUT", "write method: POST"
        keyed = any("${key}" in value for value in template.headers.values())
        if not keyed:
            yield (
                "headers",
                "an order without its key",
                "a header with ${key}",
                ('add Idempotency-Key: "${key}"'),
            )


def _header_faults(template: RequestTemplate) -> Iterator[tuple[str, str, str, str]]:
    for name, value in template.headers.items():
        if not _TOKEN.fullmatch(name):
            yield f"headers.{name}", "is no header name", "letters, digits and -", "rename it"
        elif name.lower() in OURS:
            yield f"headers.{name}", "is written by the engine", "another header", "remove it"
        if not clean(value):
            yield f"headers.{name}", "has a control character", "one line of text", "remove it"


def _unknown_place(name: str, plan: DrivePlan, feeds: dict[str, FeedRows]) -> str:
    """What was expected instead of this place, or nothing if it is known."""
    first, dot, rest = name.partition(".")
    if name in OWN:
        return ""
    if first == "canary":
        return "" if rest in DETECTORS else f"canary.{' canary.'.join(DETECTORS)}"
    if first not in plan.feeds:
        known = [*OWN, *plan.feeds, "canary.DETECTOR"]
        return f"one of {', '.join(known)}"
    if first not in feeds:
        return ""
    columns = feeds[first].columns
    if bool(dot) != bool(columns) or (dot and rest not in columns):
        return f"one of {', '.join(f'{first}.{it}' for it in columns)}" if columns else first
    return ""


def _breaks_path(name: str, feeds: dict[str, FeedRows]) -> int:
    """The number of the first row whose value would end the request line, or 0."""
    first, _, rest = name.partition(".")
    feed = feeds.get(first)
    if feed is None:
        return 0
    at = feed.columns[rest] if rest else 0
    return next((n for n, row in enumerate(feed.rows, 1) if not _VISIBLE.fullmatch(row[at])), 0)


def _check_profile(document: Document[DrivePlan], plan: DrivePlan) -> None:
    seen: set[str] = set()
    for at, segment in enumerate(plan.profile):
        path = f"profile[{at}]"
        if segment.name in seen:
            document.report(f"{path}.name", f'"{segment.name}" stands twice',
                            expected="each name once", fix="rename one")  # fmt: skip
        seen.add(segment.name)
        for place, message, expected, fix in _segment_faults(segment):
            document.report(f"{path}.{place}", message, expected=expected, fix=fix)


def _segment_faults(segment: Segment) -> Iterator[tuple[str, str, str, str]]:
    match segment.kind:
        case "constant":
            unused = ("to", segment.to, "constant holds rate")
        case "trace":
            unused = ("rate", segment.rate, "a trace brings its rates")
        case "ramp" | "step" | "spike":
            unused = ("", 0.0, "")
            if not segment.rate and not segment.to:
                yield "rate", "goes from 0 to 0", "rate and to, one of them above 0", "add them"
    name, value, why = unused
    if value:
        yield name, f"means nothing here: {why}", f"no {name}", "remove it, or change the kind"
    if segment.kind == "spike" and segment.at_s + segment.width_s > segment.for_s:
        yield (
            "width_s",
            (
                f"the spike ends {segment.at_s + segment.width_s:g} s after the start of a segment of "
                f"{segment.for_s:g} s"
            ),
            "at_s + width_s within for_s",
            "make for_s longer",
        )


def _check_size(document: Document[DrivePlan], loaded: Loaded) -> None:
    requests = sum(piece.requests for piece in loaded.pieces)
    if not 1 <= requests <= REQUESTS_MAX:
        document.report(
            "profile", f"sends {requests:g} requests", expected=f"1 to {REQUESTS_MAX:g}",
            fix="raise a rate" if requests < 1 else "lower the rates or shorten the segments",
        )  # fmt: skip
    if loaded.duration_s > DURATION_MAX_S:
        document.report(
            "profile", f"lasts {loaded.duration_s:g} s", expected=f"at most {DURATION_MAX_S:g} s",
            fix="shorten for_s; it is in seconds",
        )  # fmt: skip
