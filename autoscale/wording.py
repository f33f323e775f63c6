"""What is wrong with a written promotion, in words: file, line, place, what was expected, and the fix."""

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import inspect

from autoscale.wall_clock import WallClockError, moment_of
from contracts.promotion import (
    Budget,
    Latency,
    PromotedNodes,
    PromotedWorkload,
    PromotionSpec,
    Release,
    WorkloadRef,
)
from policy.problems import Problem, did_you_mean

T = TypeVar("T")
STRUCTS = (
    PromotionSpec, PromotedWorkload, PromotedNodes, WorkloadRef, Latency, Release, Budget,
)  # fmt: skip
FIELDS = {field for kind in STRUCTS for field in kind.__struct_encode_fields__}
TEXT_OF: dict[str, str] = {"array": "a list", "object": "a map", "str": "text", "int": "a whole number",
                           "float": "a number", "bool": "true or false", "datetime": "a time"}  # fmt: skip


class Source(msgspec.Struct, frozen=True):
    """Where a value was written: its file, the line of each path in it, and the path that it stands under."""

    file: str
    line: Callable[[str], int]
    prefix: str = ""

    def problem(self, path: str, message: str, *, expected: str, fix: str) -> Problem:
        """A fault at a path."""
        at = (self.prefix + path).removesuffix(".")
        return Problem(
            file=self.file, line=self.line(at), column=0, path=at, message=message,
            expected=expected, fix=fix,
        )  # fmt: skip

    def under(self, prefix: str) -> "Source":
        """The same for what stands under a path."""
        return Source(self.file, self.line, self.prefix + prefix)


def converted(plain: object, kind: type[T], source: Source) -> tuple[T | None, list[Problem]]:
    """A value of the kind, or what msgspec found first, in our words."""
    try:
        return msgspec.convert(plain, kind), []
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        path = re.sub(r"\[\.\.\.\]", "", place.rstrip("`")).lstrip(".")
        return None, [_in_words(message, path, source)]


def timed(
    spec: dict[str, object], source: Source, zone: str | None
) -> tuple[dict[str, object], list[Problem]]:
    """The spec with its start and end as RFC 3339, read in the zone where they have no offset."""
    found, problems = dict(spec), list[Problem]()
    for key in ("start", "end"):
        text = spec.get(key)
        if not isinstance(text, str):
            continue
        try:
            found[key] = moment_of(text, zone).isoformat()
        except WallClockError as error:
            problems.append(
                source.problem(key, error.message, expected=error.expected, fix=error.fix)
            )
    return found, problems


def _in_words(message: str, path: str, source: Source) -> Problem:
    if found := re.fullmatch(r"Object contains unknown field `(.+)`", message):
        at = f"{path}.{found[1]}".lstrip(".")
        return source.problem(
            at, f'unknown key "{found[1]}"', expected="a key of a promotion", fix=did_you_mean(found[1], FIELDS)
        )  # fmt: skip
    if found := re.fullmatch(r"Object missing required field `(.+)`", message):
        return source.problem(
            path, f'key "{found[1]}" is missing', expected=f"{found[1]} to be given", fix=f'add "{found[1]}: …"'
        )  # fmt: skip
    if found := re.fullmatch(r"Invalid enum value '(.*)'", message):
        return source.problem(
            path, f'"{found[1]}" is not known', expected=_choices(path), fix="write one of them"
        )  # fmt: skip
    if found := re.match(r"Expected `str` matching regex '(.*)'", message):
        return source.problem(
            path, "does not fit", expected=_described(path) or found[1], fix="write it as expected"
        )  # fmt: skip
    expected, _, got = message.removeprefix("Expected ").partition(", got ")
    kinds = expected.removesuffix(" | null`").replace(" | null`", "`").split("`")
    words = " ".join(_plain(word) for word in kinds if word.strip())
    return source.problem(
        path, f"is {_plain(got.strip('`'))}" if got else "is out of range", expected=words, fix="write it as expected"
    )  # fmt: skip


def _plain(word: str) -> str:
    return TEXT_OF.get(word.strip(), word.strip())


def _leaf(path: str) -> inspect.Type | None:
    name = re.sub(r"\[\d+\]", "", path).rpartition(".")[2]
    kinds = [inspect.type_info(kind) for kind in STRUCTS]
    fields = [
        field for kind in kinds if isinstance(kind, inspect.StructType) for field in kind.fields
    ]
    parents = re.sub(r"\[\d+\]", "", path).split(".")
    if len(parents) > 1 and parents[-2] == "ref":
        fields.reverse()
    return next((field.type for field in fields if field.encode_name == name), None)


def _choices(path: str) -> str:
    kind = _leaf(path)
    return (
        " or ".join(str(one) for one in kind.values)
        if isinstance(kind, inspect.LiteralType)
        else "a known word"
    )


def _described(path: str) -> str:
    kind = _leaf(path)
    if not isinstance(kind, inspect.Metadata):
        return ""
    return str((kind.extra_json_schema or {}).get("description", ""))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - msgspec types it as a bare dict
