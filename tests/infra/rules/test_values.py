"""Properties as plain values: marks for what is secret or not known, and never a crash."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.rules.values import (
    SECRET,
    SIGNATURE,
    UNKNOWNS,
    Mark,
    at,
    leaves,
    listed,
    number,
    parse,
    properties,
    text,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(value=JSON)
def test_plain_json_stays_what_it_is(value: object) -> None:
    """Nothing is lost or changed but marks."""
    assert json.dumps(parse(value)) == json.dumps(value)


def test_marks_are_told_apart() -> None:
    """A secret in any of its forms is hidden, what is not known yet is unknown, and so is what is no JSON."""
    assert parse({SIGNATURE: SECRET, "ciphertext": "v1:x"}) is Mark.HIDDEN
    assert parse({SIGNATURE: SECRET, "plaintext": '"x"'}) is Mark.HIDDEN
    assert parse("[secret]") is Mark.HIDDEN
    assert [parse(sentinel) for sentinel in UNKNOWNS] == [Mark.UNKNOWN] * 7
    assert parse({SIGNATURE: "an asset"}) is Mark.UNKNOWN
    assert parse(object()) is Mark.UNKNOWN
    assert parse(b"x") is Mark.UNKNOWN
    assert properties({"a": {"b": ["[secret]", 1.0]}}) == {"a": {"b": [Mark.HIDDEN, 1.0]}}


def test_paths_give_none_for_nothing_and_the_mark_for_the_unseen() -> None:
    """So that a rule can tell absent from invisible."""
    value = parse({"a": {"b": {SIGNATURE: SECRET}, "c": 1}})
    assert at(value, "a", "c") == 1
    assert at(value, "a", "b", "deeper") is Mark.HIDDEN
    assert at(value, "a", "x", "y") is None
    assert at(value, "a", "c", "d") is None


@pytest.mark.parametrize(
    ("raw", "wanted"), [(3, 3.0), (3.0, 3.0), ("2", 2.0), ("x", None), (True, None), (None, None)]
)
def test_numbers_may_be_written_as_text(raw: object, wanted: float | None) -> None:
    """Kafka's configuration values are text."""
    assert number(parse(raw)) == wanted


def test_the_rest_is_empty() -> None:
    """What is not of the kind asked for has nothing of it."""
    assert listed(Mark.UNKNOWN) == []
    assert text(1) == ""
    assert dict(leaves(parse({"a": [{"b": 1}, None], "c": "x"}))) == {
        "a[0].b": 1, "a[1]": None, "c": "x",
    }  # fmt: skip
