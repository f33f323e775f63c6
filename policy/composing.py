"""Bytes to YAML nodes, refusing what could hurt or hide: aliases, depth, tags, a second document, no UTF-8."""

from collections.abc import Iterator

import yaml

from policy.problems import PolicyError, Problem

FILE_BYTES_MAX = 1 << 20
"""A policy of a thousand routes is a tenth of this."""
DEPTH_MAX = 24
"""The grammar is seven levels deep."""
_CORE = "tag:yaml.org,2002:"
_TAGS = frozenset(_CORE + kind for kind in ("str", "int", "float", "bool", "null", "map", "seq"))


def compose(data: bytes, source: str) -> yaml.Node:
    """The root node of the only document. Raises `PolicyError`."""
    text = _text(data, source)
    try:
        if faults := list(_faults(text, source)):
            raise PolicyError(faults)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise PolicyError([_syntax(error, source)]) from error
    if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == _CORE + "null"):
        raise PolicyError([_whole(source, "is empty", expected="a YAML map", fix="write the file")])
    return node


def _text(data: bytes, source: str) -> str:
    if len(data) > FILE_BYTES_MAX:
        raise PolicyError(
            [
                _whole(
                    source,
                    f"has {len(data)} bytes",
                    expected="at most 1 MiB",
                    fix="name the right file",
                )
            ]
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PolicyError(
            [
                Problem(
                    file=source, line=line, column=0, path="", message="is not UTF-8 text",
                    expected="a YAML file in UTF-8", fix="name the right file, or save it as UTF-8",
                )
            ]
        ) from error  # fmt: skip
    if not text.strip():
        raise PolicyError([_whole(source, "is empty", expected="a YAML map", fix="write the file")])
    return text


def _faults(text: str, source: str) -> Iterator[Problem]:
    """What events show before any node is built: composing is recursive, and aliases multiply."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            yield _at(
                event, source, "uses an anchor or alias", expected="every value written out",
                fix="copy the value to where it is used",
            )  # fmt: skip
        tag = getattr(event, "tag", None)
        if isinstance(tag, str) and tag not in _TAGS:
            yield _at(
                event, source, f"uses the tag {tag}", expected="plain YAML", fix="remove the tag"
            )
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_MAX:
            yield _at(
                event, source, "is nested too deep", expected=f"at most {DEPTH_MAX} levels",
                fix="remove the extra brackets",
            )  # fmt: skip
            return


def _at(event: yaml.Event, source: str, message: str, *, expected: str, fix: str) -> Problem:
    mark = event.start_mark
    return Problem(
        file=source,
        line=mark.line + 1 if mark else 0,
        column=mark.column + 1 if mark else 0,
        path="",
        message=message,
        expected=expected,
        fix=fix,
    )


def _whole(source: str, message: str, *, expected: str, fix: str) -> Problem:
    return Problem(
        file=source, line=0, column=0, path="", message=message, expected=expected, fix=fix
    )


def _syntax(error: yaml.YAMLError, source: str) -> Problem:
    line = column = 0
    message = "is not YAML"
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            line, column = mark.line + 1, mark.column + 1
        message = f"is not YAML: {error.problem or error.context}"
    elif isinstance(error, yaml.reader.ReaderError):
        message = (
            f"is not YAML: character #x{ord(str(error.character)[:1] or chr(0)):04x} is not allowed"
        )
    return Problem(
        file=source, line=line, column=column, path="", message=message,
        expected="one YAML document", fix="correct the syntax there",
    )  # fmt: skip
