"""A YAML file read against its grammar: the typed value, where each part stands, and every fault at once.

PyYAML composes nodes with line numbers; the struct types of `files` say what may stand where. A part that is
wrong is left out and the rest is still read, so one run of the check names everything.
"""

import re
from typing import Generic, TypeVar

import msgspec
import yaml
from msgspec import inspect

from policy.composing import FILE_BYTES_MAX, compose
from policy.problems import PolicyError, Problem, did_you_mean

__all__ = ["FILE_BYTES_MAX", "Document", "read_document"]

T = TypeVar("T")
_STEP = re.compile(r"\[([0-9]+)\]|[^\[]+")
_WRITTEN = {
    "bool": "true or false",
    "float": "a number",
    "int": "a number",
    "null": "nothing",
    "str": "text",
    "timestamp": "a date",
}


class _Omit:
    """Stands for a part that was wrong and has been reported."""


_OMIT = _Omit()


class Document(Generic[T]):
    """A file's typed value, and the means to report what its structs cannot say."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.value: T | None = None
        self._marks: dict[str, tuple[int, int]] = {}
        self._keys: dict[str, tuple[str, ...]] = {}
        self._kept: dict[str, list[int]] = {}

    def report(self, path: str, message: str, *, expected: str, fix: str) -> None:
        """Add a problem at `path`, written with the indexes of the typed value."""
        self.report_written(self._as_written(path), message, expected=expected, fix=fix)

    def report_written(self, path: str, message: str, *, expected: str, fix: str) -> None:
        """Add a problem at `path`, written with the indexes of the file."""
        line, column = self._marks.get(path) or self._marks.get("", (0, 0))
        self.problems.append(
            Problem(
                file=self.source, line=line, column=column, path=path,
                message=message, expected=expected, fix=fix,
            )
        )  # fmt: skip

    def keys(self, path: str) -> tuple[str, ...]:
        """The keys written at `path`, those with a faulty value too."""
        return self._keys.get(path, ())

    def line(self, path: str) -> int:
        """The line of `path`, written with the indexes of the typed value."""
        return self._marks.get(self._as_written(path), (0, 0))[0]

    def finish(self) -> None:
        """Raise `PolicyError` if anything was reported."""
        if self.problems:
            raise PolicyError(self.problems)

    def _as_written(self, path: str) -> str:
        """Faulty list items were left out, so an index of the value may be lower than in the file."""
        written = ""
        for step in _STEP.finditer(path):
            kept = self._kept.get(written)
            if step[1] is not None and kept is not None and int(step[1]) < len(kept):
                written += f"[{kept[int(step[1])]}]"
            else:
                written += step[0]
        return written

    # Reading: each method returns the plain value of a node, or _OMIT after reporting.

    def read(self, node: yaml.Node, kind: inspect.Type, path: str, *, expected: str = "") -> object:
        """The plain value of `node` as `kind`; faults are reported and left out."""
        self._marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        match kind:
            case inspect.Metadata(type=inner, extra_json_schema=extra):
                described = (extra or {}).get("description", expected)
                return self.read(node, inner, path, expected=described)
            case inspect.StructType():
                return self._struct(node, kind, path)
            case inspect.DictType():
                return self._dict(node, kind, path, expected=expected)
            case inspect.VarTupleType():
                return self._list(node, kind, path, expected=expected)
            case _:
                return self._scalar(node, kind, path, expected=expected)

    def _wrong(self, path: str, message: str, *, expected: str, fix: str) -> _Omit:
        self.report_written(path, message, expected=expected, fix=fix)
        return _OMIT

    def _entries(self, node: yaml.Node, path: str, *, expected: str) -> list[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._wrong(
                path, f"is {_written(node)}", expected=expected, fix="write key: value lines"
            )
            return []
        entries: dict[str, yaml.Node] = {}
        for key, child in node.value:
            place = _join(path, str(key.value) if isinstance(key, yaml.ScalarNode) else "?")
            self._marks.setdefault(place, (key.start_mark.line + 1, key.start_mark.column + 1))
            if not isinstance(key, yaml.ScalarNode) or not key.tag.endswith(":str"):
                self._wrong(place, "key is not text", expected="a text key", fix="quote the key")
            elif key.value in entries:
                first = self._marks[place][0]
                self._marks[place] = (key.start_mark.line + 1, key.start_mark.column + 1)
                self._wrong(
                    place, f"key stands twice, first on line {first}",
                    expected="each key once", fix="remove one of the two",
                )  # fmt: skip
            else:
                entries[key.value] = child
        self._keys[path] = tuple(entries)
        return list(entries.items())

    def _struct(self, node: yaml.Node, kind: inspect.StructType, path: str) -> object:
        fields = {item.encode_name: item for item in kind.fields}
        entries = self._entries(node, path, expected=f"a map with {', '.join(fields)}")
        if not isinstance(node, yaml.MappingNode):
            return _OMIT
        found: dict[str, object] = {}
        for key, child in entries:
            if key not in fields:
                self._wrong(
                    _join(path, key), f'unknown key "{key}"',
                    expected=f"one of {', '.join(fields)}", fix=did_you_mean(key, fields),
                )  # fmt: skip
            else:
                found[key] = self.read(child, fields[key].type, _join(path, key))
        usable = {key: value for key, value in found.items() if value is not _OMIT}
        missing = [name for name, item in fields.items() if item.required and name not in usable]
        for name in missing:
            if name not in found:
                self._wrong(
                    path, f'key "{name}" is missing',
                    expected=_expectation(fields[name].type), fix=f'add "{name}: …"',
                )  # fmt: skip
        return _OMIT if missing else usable

    def _dict(self, node: yaml.Node, kind: inspect.DictType, path: str, *, expected: str) -> object:
        found: dict[str, object] = {}
        for key, child in self._entries(node, path, expected=expected or "a map"):
            place = _join(path, key)
            if fault := _pattern_fault(key, kind.key_type):
                self._wrong(place, "key is no name", expected=fault, fix="rename it")
            elif (value := self.read(child, kind.value_type, place)) is not _OMIT:
                found[key] = value
        if not isinstance(node, yaml.MappingNode):
            return _OMIT
        if kind.min_length and not node.value:
            return self._wrong(path, "is empty", expected=expected, fix="add an entry")
        return found

    def _list(
        self, node: yaml.Node, kind: inspect.VarTupleType, path: str, *, expected: str
    ) -> object:
        wanted = expected or "a list"
        if not isinstance(node, yaml.SequenceNode):
            return self._wrong(
                path, f"is {_written(node)}", expected=wanted, fix="write [a, b], or - a lines"
            )
        if kind.min_length and not node.value:
            return self._wrong(path, "is empty", expected=wanted, fix="add an entry")
        read = [
            (n, self.read(child, kind.item_type, f"{path}[{n}]"))
            for n, child in enumerate(node.value)
        ]
        self._kept[path] = [n for n, value in read if value is not _OMIT]
        return [value for _, value in read if value is not _OMIT]

    def _scalar(self, node: yaml.Node, kind: inspect.Type, path: str, *, expected: str) -> object:
        wanted = expected or _expectation(kind)
        if not isinstance(node, yaml.ScalarNode):
            return self._wrong(path, f"is {_written(node)}", expected=wanted, fix="write one value")
        tag = node.tag.rpartition(":")[2]
        for option in _options(kind):
            accepts, value = _take(node, tag, option)
            if accepts:
                fault = _range_fault(value, option)
                return value if not fault else self._wrong(
                    path, f"{fault}", expected=wanted, fix=_advice(value, option)
                )  # fmt: skip
        fix = (
            f'quote it: "{node.value}"' if _wants_text(kind) else "write the expected kind of value"
        )
        return self._wrong(
            path, f"is {_WRITTEN.get(tag, 'of an unknown type')}", expected=wanted, fix=fix
        )


def read_document(data: bytes, source: str, kind: type[T]) -> Document[T]:
    """Read a whole file as `kind`; the faults are in the document, `value` is None if it is unusable.

    Raises `PolicyError` when the text is not YAML at all.
    """
    document: Document[T] = Document(source)
    plain = document.read(compose(data, source), inspect.type_info(kind), "")
    if plain is not _OMIT:
        document.value = msgspec.convert(plain, kind)
    return document


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _written(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a map"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return _WRITTEN.get(node.tag.rpartition(":")[2], "of an unknown type")


def _bare(kind: inspect.Type) -> inspect.Type:
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _options(kind: inspect.Type) -> list[inspect.Type]:
    bare = _bare(kind)
    return (
        [_bare(option) for option in bare.types] if isinstance(bare, inspect.UnionType) else [bare]
    )


def _wants_text(kind: inspect.Type) -> bool:
    return any(
        isinstance(option, inspect.StrType | inspect.LiteralType) for option in _options(kind)
    )


def _take(node: yaml.ScalarNode, tag: str, kind: inspect.Type) -> tuple[bool, object]:
    """Whether a scalar of that tag is of this kind, and its value."""
    match kind, tag:
        case ((inspect.StrType() | inspect.LiteralType()), "str"):
            return True, str(node.value)
        case inspect.IntType(), "int":
            return _number(node.value, int)
        case inspect.FloatType(), ("int" | "float"):
            return _number(node.value, float)
        case inspect.BoolType(), "bool":
            return True, node.value.lower() in {"true", "yes", "on"}
        case _:
            return False, None


def _number(text: str, kind: type[int] | type[float]) -> tuple[bool, object]:
    try:
        return True, kind(text)
    except ValueError:
        return False, None


def _range_fault(value: object, kind: inspect.Type) -> str:
    match kind, value:
        case inspect.LiteralType(values=values), _:
            return "" if value in values else f'"{value}" is not known'
        case inspect.StrType(pattern=pattern, min_length=shortest), str():
            if shortest and len(value) < shortest:
                return "is empty"
            return (
                "" if pattern is None or re.fullmatch(pattern, value) else f'"{value}" does not fit'
            )
        case (
            (inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high)),
            (int() | float()),
        ):
            inside = (low is None or value >= low) and (high is None or value <= high)
            return "" if inside else f"{value} is out of range"
        case _:
            return ""


def _advice(value: object, kind: inspect.Type) -> str:
    if isinstance(kind, inspect.LiteralType):
        return did_you_mean(str(value), [str(item) for item in kind.values])
    return "write it as expected"


def _pattern_fault(key: str, kind: inspect.Type) -> str:
    bare = _bare(kind)
    if not isinstance(bare, inspect.StrType) or not bare.pattern or re.fullmatch(bare.pattern, key):
        return ""
    return _expectation(kind)


def _expectation(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata(extra_json_schema=extra) if extra and "description" in extra:
            return str(extra["description"])
        case inspect.Metadata(type=inner):
            return _expectation(inner)
        case inspect.LiteralType(values=values):
            return " or ".join(str(value) for value in values)
        case inspect.UnionType(types=types):
            return " or ".join(_expectation(option) for option in types)
        case inspect.StructType(fields=fields):
            return f"a map with {', '.join(item.encode_name for item in fields)}"
        case inspect.VarTupleType():
            return "a list"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType() | inspect.FloatType():
            return "a number"
        case _:
            return "a map" if isinstance(kind, inspect.DictType) else "text"
