"""One scalar of a file against its kind, and the words for what was written and what was expected."""

import re
from typing import cast

import yaml
from msgspec import inspect

from policy.problems import did_you_mean

_WRITTEN = {
    "bool": "true or false",
    "float": "a number",
    "int": "a number",
    "null": "nothing",
    "str": "text",
    "timestamp": "a date",
}


def tag_words(tag: str) -> str:
    """A YAML tag in the reader's words."""
    return _WRITTEN.get(tag, "of an unknown type")


def written(node: yaml.Node) -> str:
    """What stands at a node, in the reader's words."""
    if isinstance(node, yaml.MappingNode):
        return "a map"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return tag_words(node.tag.rpartition(":")[2])


def description(kind: inspect.Type) -> str:
    """The `Meta(description=…)` of a type, or nothing."""
    if not isinstance(kind, inspect.Metadata):
        return ""
    # msgspec types this as a bare dict; our Meta only ever sets text.
    extra = cast("dict[str, str]", kind.extra_json_schema or {})  # pyright: ignore[reportUnknownMemberType]
    return extra.get("description", "")


def options(kind: inspect.Type) -> list[inspect.Type]:
    """The kinds a scalar may be, without their metadata."""
    plain = _plain(kind)
    if isinstance(plain, inspect.UnionType):
        return [_plain(option) for option in plain.types]
    return [plain]


def _plain(kind: inspect.Type) -> inspect.Type:
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def wants_text(kind: inspect.Type) -> bool:
    """Whether quoting the value would make it acceptable."""
    return any(
        isinstance(option, inspect.StrType | inspect.LiteralType) for option in options(kind)
    )


def take(node: yaml.ScalarNode, tag: str, kind: inspect.Type) -> tuple[bool, object]:
    """Whether a scalar of that tag is of this kind, and its value."""
    text = str(node.value)
    match kind, tag:
        case ((inspect.StrType() | inspect.LiteralType()), "str"):
            return True, text
        case inspect.IntType(), "int":
            return _number(text, int)
        case inspect.FloatType(), ("int" | "float"):
            return _number(text, float)
        case inspect.BoolType(), "bool" if text.lower() in {"true", "false"}:
            return True, text.lower() == "true"
        case _:
            return False, None


def _number(text: str, kind: type[int | float]) -> tuple[bool, object]:
    try:
        return True, kind(text)
    except ValueError:
        return False, None


def range_fault(value: object, kind: inspect.Type) -> str:
    """What keeps a value of the right kind from being accepted, or nothing."""
    match kind, value:
        case inspect.LiteralType(values=values), _ if value not in values:
            return f'"{value}" is not known'
        case inspect.StrType(min_length=shortest), str() if shortest and not value:
            return "is empty"
        case inspect.StrType(pattern=str(pattern)), str() if not re.fullmatch(pattern, value):
            return f'"{value}" does not fit'
        case ((inspect.IntType() | inspect.FloatType()), (int() | float())):
            inside = (kind.ge is None or value >= kind.ge) and (kind.le is None or value <= kind.le)
            return "" if inside else f"{value} is out of range"
        case _:
            return ""


def advice(value: object, kind: inspect.Type) -> str:
    """How to mend a value that `range_fault` speaks about."""
    if isinstance(kind, inspect.LiteralType):
        return did_you_mean(str(value), [str(item) for item in kind.values])
    return "write it as expected"


def key_fault(key: str, kind: inspect.Type) -> str:
    """What a map's key should have been, or nothing when it fits."""
    plain = _plain(kind)
    pattern = plain.pattern if isinstance(plain, inspect.StrType) else None
    return "" if pattern is None or re.fullmatch(pattern, key) else expectation(kind)


def expectation(kind: inspect.Type) -> str:
    """What a type accepts, in the reader's words."""
    if said := description(kind):
        return said
    plain = _plain(kind)
    if isinstance(plain, inspect.StructType):
        return f"a map with {', '.join(item.encode_name for item in plain.fields)}"
    if isinstance(plain, inspect.LiteralType):
        return " or ".join(str(value) for value in plain.values)
    if isinstance(plain, inspect.UnionType):
        return " or ".join(expectation(option) for option in plain.types)
    return next((words for kinds, words in _WORDS if isinstance(plain, kinds)), "text")


_WORDS: tuple[tuple[type[inspect.Type], str], ...] = (
    (inspect.VarTupleType, "a list"),
    (inspect.DictType, "a map"),
    (inspect.IntType, "a whole number"),
    (inspect.FloatType, "a number"),
    (inspect.BoolType, "true or false"),
)
