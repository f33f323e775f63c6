"""Twin of chaos/runs/vocabulary.py."""

from collections.abc import Mapping
from typing import Literal

from chaos.runs.vocabulary import Entry, argument_faults, words


def sample(
    configuration: Mapping[str, object], door: Literal["core", "edge"], share: float = 0.3
) -> bool:
    """A word."""
    return bool(configuration and door and share)


ENTRY = Entry(kind="probe", func=sample)


def test_a_word_knows_its_arguments() -> None:
    """The configuration is Chaos Toolkit's to give, not the file's."""
    assert ENTRY.arguments() == ("door", "share")
    assert ENTRY.required() == ("door",)
    assert ENTRY.value("share", {}) == 0.3
    assert ENTRY.value("share", {"share": 1}) == 1
    assert ENTRY.value("door", {}) is None
    assert ENTRY.value("window", {}) is None


def test_each_wrong_argument_is_told() -> None:
    """Missing, unknown, of another kind, not one of the words allowed; a whole number is a number."""
    assert list(argument_faults(ENTRY, {"door": "core", "share": 1})) == []
    told = {
        name: message for name, message, _ in argument_faults(ENTRY, {"share": "x", "dor": "a"})
    }
    assert told["door"] == 'argument "door" is missing'
    assert "Expected `float`" in told["share"]
    assert told["dor"] == 'unknown argument "dor"'
    assert [it[0] for it in argument_faults(ENTRY, {"door": "back"})] == ["door"]


def test_words_are_known_by_module_and_name() -> None:
    """As a file names them."""
    assert list(words(ENTRY)) == [f"{sample.__module__}.sample"]
