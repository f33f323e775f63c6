"""Properties of a resource as plain values, with marks for what is secret and what is not known yet. Pure."""

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias, cast


class Mark(enum.Enum):
    """Stands for a value that cannot be seen."""

    UNKNOWN = "unknown"
    """It comes of something that is not made yet (only during a preview)."""
    HIDDEN = "hidden"
    """It is a secret: encrypted in the state."""


Value: TypeAlias = "bool | int | float | str | Mark | list[Value] | dict[str, Value] | None"

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key by which Pulumi marks maps that stand for something else."""
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the signature of secrets, not one
REDACTED = "[secret]"
"""What `pulumi policy analyze --file` puts in place of a secret it cannot decrypt."""
UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What stands for a boolean, number, text, list, asset, archive or map that is not known yet."""


def parse(raw: object) -> Value:
    """A property as the engine or its state writes it; what is neither JSON nor a mark is `UNKNOWN`."""
    match raw:
        case None | bool() | int() | float() | Mark():
            return raw
        case str():
            return _text(raw)
        case Mapping():
            return _map(cast("Mapping[object, object]", raw))
        case Sequence() if not isinstance(raw, bytes):
            return [parse(value) for value in cast("Sequence[object]", raw)]
        case _:
            return Mark.UNKNOWN


def _text(raw: str) -> Value:
    if raw == REDACTED:
        return Mark.HIDDEN
    return Mark.UNKNOWN if raw in UNKNOWNS else raw


def _map(raw: Mapping[object, object]) -> Value:
    if SIGNATURE in raw:
        return Mark.HIDDEN if raw[SIGNATURE] == SECRET else Mark.UNKNOWN
    return {str(key): parse(value) for key, value in raw.items()}


def properties(raw: Mapping[str, object]) -> dict[str, Value]:
    """All properties of a resource."""
    return {key: parse(value) for key, value in raw.items()}


def at(value: Value, *path: str) -> Value:
    """What stands at a path of keys: None when nothing does, the mark when it cannot be seen."""
    for key in path:
        if isinstance(value, Mark):
            return value
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def listed(value: Value) -> list[Value]:
    """The items of a list; a mark or anything else has none that can be seen."""
    return value if isinstance(value, list) else []


def text(value: Value) -> str:
    """A text; empty for everything else."""
    return value if isinstance(value, str) else ""


def number(value: Value) -> float | None:
    """A number, also one written as text (Kafka's own configuration is); None for everything else."""
    match value:
        case bool():
            return None
        case int() | float():
            return float(value)
        case str() if value.isdigit():
            return float(value)
        case _:
            return None


def leaves(value: Value, path: str = "") -> Iterator[tuple[str, Value]]:
    """Every value that holds no other, with its path."""
    match value:
        case dict():
            for key, held in value.items():
                yield from leaves(held, f"{path}.{key}" if path else key)
        case list():
            for n, held in enumerate(value):
                yield from leaves(held, f"{path}[{n}]")
        case _:
            yield path, value
