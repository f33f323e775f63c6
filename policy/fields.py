"""The closed grammar of field rules: how one field of a record may leave a site.

`drop`, `keep:int|num|text|enum(a,b)`, `bucket(n)`, `mask(first,last)`, `hmac(secret)`, `date(day|month)`.
"""

import re

from policy.model import FieldRule

_CALL = re.compile(r"(bucket|mask|hmac|date)\(([^()]*)\)")
_KEEP = re.compile(r"keep:(?:(int|num|text)|(enum)\(([^()]*)\))")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_MASK_MAX = 64
_BUCKET_MAX = 10**12


class RuleFault(Exception):  # noqa: N818 - read as "the rule's fault", said to its author
    """A rule outside the grammar: what is wrong, what was expected, how to mend it."""

    def __init__(self, message: str, *, expected: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.expected, self.fix = message, expected, fix


def parse_rule(field: str, text: str) -> FieldRule:
    """The rule written as `text` for `field`. Raises `RuleFault`."""
    if text == "drop":
        return FieldRule(field=field, kind="drop", arguments=())
    if keep := _KEEP.fullmatch(text):
        return FieldRule(field=field, kind="keep", arguments=_keep_arguments(keep))
    call = _CALL.fullmatch(text)
    if call is None:
        raise RuleFault(
            "is no rule of the grammar",
            expected="drop, keep:…, bucket(n), mask(first,last), hmac(secret) or date(day|month)",
            fix="pick one of these",
        )
    arguments = tuple(part.strip() for part in call[2].split(","))
    match call[1]:
        case "bucket":
            return _bucket(field, arguments)
        case "mask":
            return _mask(field, arguments)
        case "hmac":
            return _hmac(field, arguments)
        case _:
            return _date(field, arguments)


def _keep_arguments(keep: re.Match[str]) -> tuple[str, ...]:
    if keep[1]:
        return (keep[1],)
    values = tuple(part.strip() for part in keep[3].split(","))
    if "" in values or len(set(values)) != len(values):
        raise RuleFault(
            "has an empty or repeated value",
            expected="keep:enum(a,b,…), each value once",
            fix="list each value once",
        )
    return ("enum", *values)


def _bucket(field: str, arguments: tuple[str, ...]) -> FieldRule:
    if len(arguments) != 1 or not _whole(arguments[0], 1, _BUCKET_MAX):
        raise RuleFault("has no usable width", expected="bucket(n), n ≥ 1", fix="write bucket(100)")
    return FieldRule(field=field, kind="bucket", arguments=arguments)


def _mask(field: str, arguments: tuple[str, ...]) -> FieldRule:
    if len(arguments) != 2 or not all(_whole(part, 0, _MASK_MAX) for part in arguments):
        raise RuleFault(
            "needs two counts",
            expected=f"mask(first,last), each from 0 to {_MASK_MAX}",
            fix="write mask(3,4)",
        )
    return FieldRule(field=field, kind="mask", arguments=arguments)


def _hmac(field: str, arguments: tuple[str, ...]) -> FieldRule:
    if len(arguments) != 1 or not _NAME.fullmatch(arguments[0]):
        raise RuleFault("names no secret", expected="hmac(secret)", fix="write hmac(NAME)")
    return FieldRule(field=field, kind="hmac", arguments=arguments)


def _date(field: str, arguments: tuple[str, ...]) -> FieldRule:
    if arguments not in {("day",), ("month",)}:
        raise RuleFault("has no such precision", expected="date(day) or date(month)", fix="use one")
    return FieldRule(field=field, kind="date", arguments=arguments)


def _whole(text: str, low: int, high: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 13 and low <= int(text) <= high
