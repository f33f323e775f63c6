"""Scalars against their kinds, and the words for them."""

from typing import Annotated, Literal

import msgspec
import pytest
import yaml
from msgspec import Meta, inspect

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

Said = Annotated[str, Meta(pattern="^a+$", description="some a")]


class Thing(msgspec.Struct):
    one: int
    two: int = 0


def kind(source: object) -> inspect.Type:
    return inspect.type_info(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Said, "some a"), (str, "text"), (int, "a whole number"), (float, "a number"),
        (Literal["x", "y"], "x or y"), (int | str, "a whole number or text"), (tuple[int, ...], "a list"),
        (dict[str, int], "a map"), (Thing, "a map with one, two"),
        (Annotated[str, Meta(min_length=1)], "text"),
    ],
)  # fmt: skip
def test_expectations_in_the_readers_words(source: object, words: str) -> None:
    """The description if there is one, else the kind."""
    assert expectation(kind(source)) == words


@pytest.mark.parametrize(
    ("text", "source", "taken"),
    [
        ("a", str, (True, "a")), ("1", str, (False, None)), ("1", int, (True, 1)),
        ("1.5", int, (False, None)), ("1.5", float, (True, 1.5)), ("2", float, (True, 2.0)),
        ("0x10", int, (False, None)), ("1:30", int, (False, None)), ("x", Literal["x"], (True, "x")),
        (".inf", float, (False, None)), ("true", int, (False, None)),
        ("true", bool, (True, True)), ("False", bool, (True, False)), ("yes", bool, (False, None)),
        ("on", bool, (False, None)), ("1", bool, (False, None)), ("true", str, (False, None)),
    ],
)  # fmt: skip
def test_a_scalar_is_taken_by_its_tag(
    text: str, source: object, taken: tuple[bool, object]
) -> None:
    """YAML's other spellings of numbers, and of true and false, are not guessed at."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.ScalarNode)
    assert take(node, node.tag.rpartition(":")[2], kind(source)) == taken


@pytest.mark.parametrize(
    ("value", "source", "fault"),
    [
        ("z", Literal["x"], '"z" is not known'), ("x", Literal["x"], ""), ("b", Said, '"b" does not fit'),
        ("aa", Said, ""), ("aa\n", Said, '"aa\n" does not fit'),
        ("", Annotated[str, Meta(min_length=1)], "is empty"),
        (2, Annotated[int, Meta(ge=0, le=1)], "2 is out of range"), (1, Annotated[int, Meta(le=1)], ""),
        (-0.1, Annotated[float, Meta(ge=0)], "-0.1 is out of range"), ("x", str, ""),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_said(value: object, source: object, fault: str) -> None:
    """Choices, patterns, emptiness and bounds."""
    assert range_fault(value, options(kind(source))[0]) == fault


def test_words_for_what_stands_there() -> None:
    """Maps, lists and scalars, an unknown tag too."""
    said = [written(node) for node in map(yaml.compose, ("{a: 1}", "[1]", "x", "~", "2026-01-01"))]
    assert said == ["a map", "a list", "text", "nothing", "a date"]
    assert tag_words("binary") == "of an unknown type"


def test_keys_follow_their_pattern() -> None:
    """A key that does not fit is answered by what was expected."""
    assert key_fault("b", kind(Said)) == "some a"
    assert key_fault("a", kind(Said)) == key_fault("b", kind(str)) == ""


def test_advice_and_quotes() -> None:
    """A choice is advised by its nearest member; text is advised by quoting."""
    assert advice("publc", kind(Literal["public"])) == 'did you mean "public"?'
    assert advice("x", kind(str)) == "write it as expected"
    assert wants_text(kind(int | str))
    assert not wants_text(kind(int))
    assert description(kind(str)) == ""
