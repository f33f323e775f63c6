"""Promotions from files: Kubernetes manifests, a marketing calendar in YAML, or one in CSV.

A calendar may write wall clock times with a `timeZone`, and in YAML `defaults` for everything that a spec has.
Every faulty entry is named with its line; one fault, and nothing of the file is used.
"""

from collections.abc import Callable, Iterator
from typing import cast

import msgspec

from autoscale.calendar_csv import rows_of
from autoscale.manifest import faults, read_manifest
from autoscale.places import Placed, PromotionFileError, documents, mapping
from autoscale.wording import Source, converted, timed
from contracts.promotion import Name, Promotion, PromotionSpec, promotion_key
from policy.problems import Problem, did_you_mean

SHARED = ("timeZone", "defaults", "promotions")
NAMING = ("name", "namespace", "approved")
Entry = tuple[Promotion | None, list[Problem], int]
"""What an entry says, what is wrong with it, and its line."""


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the spec in a calendar's entry."""

    name: Name
    namespace: Name = "default"
    approved: bool = False


def read_promotions(data: bytes, source: str) -> tuple[Promotion, ...]:
    """Every promotion of a file; a name that ends in `.csv` is CSV. Raises PromotionFileError."""
    found, problems, lines = list[Promotion](), list[Problem](), dict[str, int]()
    for promotion, wrong, line in _entries(data, source):
        problems += wrong
        if promotion is None:
            continue
        key = promotion_key(promotion)
        if key in lines:
            said = f"{key} stands twice, first on line {lines[key]}"
            problems.append(_fault(Source(source, lambda _, line=line: line), said))
        lines.setdefault(key, line)
        found.append(promotion)
    if not found and not problems:
        problems.append(_fault(Source(source, lambda _: 0), "has no promotion"))
    if problems:
        raise PromotionFileError(problems)
    return tuple(found)


def _fault(source: Source, message: str) -> Problem:
    return source.problem(
        "", message, expected="promotions, each with a name of its own",
        fix="write - name: …, start, end and workloads; one name each",
    )  # fmt: skip


def _entries(data: bytes, source: str) -> Iterator[Entry]:
    if source.lower().endswith(".csv"):
        for plain, place, line in rows_of(data, source):
            yield *_promotion(plain, place), line
        return
    for document in documents(data, source):
        plain = mapping(document.value)
        if "promotions" in plain:
            yield from _calendar(document, plain, source)
        else:
            place = Source(source, document.line)
            yield *read_manifest(document.value, place), document.line("metadata.name")


def _calendar(document: Placed, plain: dict[str, object], source: str) -> Iterator[Entry]:
    place = Source(source, document.line)
    for key in plain:
        if key not in SHARED:
            fault = place.problem(
                key, f'unknown key "{key}"', expected=f"one of {', '.join(SHARED)}",
                fix=did_you_mean(key, SHARED),
            )  # fmt: skip
            yield None, [fault], document.line(key)
    zone = {"timeZone": plain["timeZone"]} if "timeZone" in plain else {}
    shared = zone | mapping(plain.get("defaults"))
    entries = plain["promotions"]
    if not isinstance(entries, list):
        yield None, [_fault(place.under("promotions"), "is no list")], 0
        return
    for n, entry in enumerate(cast("list[object]", entries)):
        own = Source(source, _line_in(document, n), f"promotions[{n}].")
        yield *_promotion(shared | mapping(entry), own), document.line(f"promotions[{n}]")


def _line_in(document: Placed, n: int) -> Callable[[str], int]:
    """The line of a path of an entry; what it does not write itself stands under defaults."""

    def line(path: str) -> int:
        rest = path.removeprefix(f"promotions[{n}].")
        inherited = f"defaults.{rest}"
        if path not in document.lines and inherited in document.lines:
            return document.lines[inherited]
        return document.line(path)

    return line


def _promotion(plain: dict[str, object], source: Source) -> tuple[Promotion | None, list[Problem]]:
    named = {key: value for key, value in plain.items() if key in NAMING}
    written = {key: value for key, value in plain.items() if key not in NAMING}
    zone = written.get("timeZone")
    written, problems = timed(written, source, zone if isinstance(zone, str) else None)
    naming, wrong = converted(named, Naming, source)
    spec, more = (None, []) if problems else converted(written, PromotionSpec, source)
    problems += [*wrong, *more]
    if naming is None or spec is None:
        return None, problems
    promotion = Promotion(
        name=naming.name, namespace=naming.namespace, approved=naming.approved, spec=spec
    )
    return promotion, problems + faults(promotion, source)
