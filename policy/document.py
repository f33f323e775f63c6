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
from policy.scalars import (
    advice,
    description,
    expectation,
    key_fault,
    options,
    range_fault,
    tag_words,
    take,
    wants_text,
    written,
)

__all__ = ["FILE_BYTES_MAX", "Document", "read_document"]

T = TypeVar("T")
_STEP = re.compile(r"\[([0-9]+)\]|[^\[]+")


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
        # A key's own line is kept: the value of `sites:` starts on the next one.
        self._marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        match kind:
            case inspect.Metadata(type=inner):
                return self.read(node, inner, path, expected=description(kind) or expected)
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
                path, f"is {written(node)}", expected=expected, fix="write key: value lines"
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
                    expected=expectation(fields[name].type), fix=f'add "{name}: …"',
                )  # fmt: skip
        return _OMIT if missing else usable

    def _dict(self, node: yaml.Node, kind: inspect.DictType, path: str, *, expected: str) -> object:
        found: dict[str, object] = {}
        for key, child in self._entries(node, path, expected=expected or "a map"):
            place = _join(path, key)
            if fault := key_fault(key, kind.key_type):
                self._wrong(place, "key is no name", expected=fault, fix="rename it")
            elif (value := self.read(child, kind.value_type, place)) is not _OMIT:
                found[key] = value
        if not isinstance(node, yaml.MappingNode):
            return _OMIT
        if kind.min_length and not node.value:
            return self._wrong(path, "is empty", expected=expected, fix="add an entry")
        return _OMIT if len(found) < (kind.min_length or 0) else found

    def _list(
        self, node: yaml.Node, kind: inspect.VarTupleType, path: str, *, expected: str
    ) -> object:
        wanted = expected or "a list"
        if not isinstance(node, yaml.SequenceNode):
            return self._wrong(
                path, f"is {written(node)}", expected=wanted, fix="write [a, b], or - a lines"
            )
        if kind.min_length and not node.value:
            return self._wrong(path, "is empty", expected=wanted, fix="add an entry")
        read = [
            (n, self.read(child, kind.item_type, f"{path}[{n}]"))
            for n, child in enumerate(node.value)
        ]
        self._kept[path] = [n for n, value in read if value is not _OMIT]
        usable = [value for _, value in read if value is not _OMIT]
        return _OMIT if len(usable) < (kind.min_length or 0) else usable

    def _scalar(self, node: yaml.Node, kind: inspect.Type, path: str, *, expected: str) -> object:
        wanted = expected or expectation(kind)
        if not isinstance(node, yaml.ScalarNode):
            return self._wrong(path, f"is {written(node)}", expected=wanted, fix="write one value")
        tag = node.tag.rpartition(":")[2]
        for option in options(kind):
            accepts, value = take(node, tag, option)
            if accepts:
                fault = range_fault(value, option)
                return value if not fault else self._wrong(
                    path, f"{fault}", expected=wanted, fix=advice(value, option)
                )  # fmt: skip
        fix = (
            f'quote it: "{node.value}"' if wants_text(kind) else "write the expected kind of value"
        )
        return self._wrong(path, f"is {tag_words(tag)}", expected=wanted, fix=fix)


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
