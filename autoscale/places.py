"""YAML documents as plain values, with the line of every part; a time stays the text that was written.

Anchors, doubled keys and tags are refused: they hide what a reader of the file would not see.
"""

from collections.abc import Iterator
from typing import cast

import msgspec
import yaml

from policy.problems import Problem

BYTES_MAX = 4 << 20
"""A thousand promotions are a quarter of this."""
DEPTH_MAX = 24


class PromotionFileError(Exception):
    """A file that cannot be used; `problems` has every fault that was found, in file order."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda one: (one.line, one.column)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Placed(msgspec.Struct, frozen=True):
    """One document: its value, and the line of each path such as `spec.workloads[0].name`."""

    value: object
    lines: dict[str, int]

    def line(self, path: str) -> int:
        """The line of a path, or of the nearest part around it."""
        while path not in self.lines and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)


def mapping(value: object) -> dict[str, object]:
    """The value where it is a map, else an empty one."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def documents(data: bytes, source: str) -> list[Placed]:
    """Every document of a YAML file that is not empty. Raises PromotionFileError."""
    text = text_of(data, source)
    try:
        hidden = [token for token in yaml.scan(text) if isinstance(token, yaml.AnchorToken)]
        if hidden:
            line = hidden[0].start_mark.line + 1
            fault = _problem(
                (source, line, ""), "an anchor", expected="every value written out",
                fix="write the value where it is used; shared values go to defaults:",
            )  # fmt: skip
            raise PromotionFileError([fault])
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise PromotionFileError([_syntax(error, source)]) from error
    return [_placed(node, source) for node in nodes if node.tag != "tag:yaml.org,2002:null"]


def text_of(data: bytes, source: str) -> str:
    """The file as text. Raises PromotionFileError where it is too large or not UTF-8."""
    if len(data) > BYTES_MAX:
        raise PromotionFileError(
            [_problem((source, 0, ""), f"has {len(data)} bytes", expected="at most 4 MiB", fix="split it")]
        )  # fmt: skip
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        fault = _problem(
            (source, line, ""), "is not UTF-8 text", expected="a file in UTF-8", fix="save it as UTF-8"
        )  # fmt: skip
        raise PromotionFileError([fault]) from error


def _syntax(error: yaml.YAMLError, source: str) -> Problem:
    # PyYAML's own attributes of a marked error are untyped.
    mark: object = getattr(error, "problem_mark", None)
    line = mark.line + 1 if isinstance(mark, yaml.Mark) else 0
    said = str(getattr(error, "problem", "") or "it is no YAML")
    return _problem(
        (source, line, ""), said, expected="YAML", fix="check indentation and quotes there"
    )


def _problem(at: tuple[str, int, str], message: str, *, expected: str, fix: str) -> Problem:
    file, line, path = at
    return Problem(
        file=file, line=line, column=0, path=path, message=message, expected=expected, fix=fix
    )


def _placed(root: yaml.Node, source: str) -> Placed:
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    value = _value(root, "", lines=lines, problems=problems)
    if problems:
        raise PromotionFileError([msgspec.structs.replace(one, file=source) for one in problems])
    return Placed(value, lines)


def _value(node: yaml.Node, path: str, *, lines: dict[str, int], problems: list[Problem]) -> object:
    lines.setdefault(path, node.start_mark.line + 1)
    if path.count(".") + path.count("[") > DEPTH_MAX:
        problems.append(
            _problem(
                ("", lines[path], path), "is too deep", expected="a promotion", fix="flatten it"
            )
        )
        return None
    match node:
        case yaml.MappingNode():
            entries = list(_entries(node, path, lines=lines, problems=problems))
            return {
                key: _value(child, f"{path}.{key}".lstrip("."), lines=lines, problems=problems)
                for key, child in entries
            }
        case yaml.SequenceNode():
            return [
                _value(child, f"{path}[{n}]", lines=lines, problems=problems)
                for n, child in enumerate(node.value)
            ]
        case _:
            return _scalar(node)


def _entries(
    node: yaml.MappingNode, path: str, *, lines: dict[str, int], problems: list[Problem]
) -> Iterator[tuple[str, yaml.Node]]:
    seen: set[str] = set()
    for key, child in node.value:
        name = str(key.value)
        line = key.start_mark.line + 1
        place = f"{path}.{name}".lstrip(".")
        if name in seen:
            problems.append(
                _problem(("", line, place), "key stands twice", expected="each key once",
                         fix="remove one of the two")
            )  # fmt: skip
            continue
        seen.add(name)
        lines[place] = line
        yield name, child


def _scalar(node: yaml.Node) -> object:
    tag, text = node.tag.rpartition(":")[2], str(node.value)
    try:
        match tag:
            case "int":
                return int(text.replace("_", ""), 0)
            case "float":
                return float(text.replace("_", ""))
            case "bool":
                return text.lower() in {"true", "yes", "on"}
            case "null":
                return None
            case _:
                return text
    except ValueError:
        return text
