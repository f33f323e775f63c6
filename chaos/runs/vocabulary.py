"""The closed vocabulary of experiments: which functions a file may name, and what they take."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, get_type_hints

import msgspec

Kind = Literal["action", "probe"]
Site = Literal["public", "private", "link", "argument", ""]
"""What a fault hits; `argument` means that its argument `site` says so."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One word: an action or a probe. `is_fault` marks what injects."""

    kind: Kind
    func: Callable[..., object]
    site: Site = ""
    is_fault: bool = False

    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.func).parameters

    def arguments(self) -> tuple[str, ...]:
        """The names a file may give."""
        return tuple(name for name in self._parameters() if name != "configuration")

    def required(self) -> tuple[str, ...]:
        """The names a file must give."""
        found = self._parameters()
        return tuple(n for n in self.arguments() if found[n].default is inspect.Parameter.empty)

    def value(self, name: str, given: Mapping[str, object]) -> object:
        """What the function will get for `name`: as given, else its default; None for neither."""
        if name in given:
            return given[name]
        parameter = self._parameters().get(name)
        if parameter is None or parameter.default is inspect.Parameter.empty:
            return None
        default: object = parameter.default
        return default


Vocabulary = Mapping[str, Entry]
"""By `module.function`."""


def argument_faults(entry: Entry, given: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with arguments: name, message, expectation."""
    hints = get_type_hints(entry.func)
    known = entry.arguments()
    for name in entry.required():
        if name not in given:
            yield name, f'argument "{name}" is missing', _words(hints[name])
    for name, value in given.items():
        if name not in known:
            yield name, f'unknown argument "{name}"', f"one of {', '.join(known) or 'none'}"
            continue
        try:
            msgspec.convert(value, hints[name])
        except msgspec.ValidationError as error:
            yield name, str(error), _words(hints[name])


def _words(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def words(*entries: Entry) -> dict[str, Entry]:
    """A vocabulary of these entries."""
    return {f"{it.func.__module__}.{it.func.__name__}": it for it in entries}
