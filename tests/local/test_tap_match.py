"""The matcher finds exactly what is armed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.tap import Canary
from local.tap_match import PREFIX_BYTES, Matcher

VALUES = st.lists(st.text("0123456789", min_size=PREFIX_BYTES, max_size=20), min_size=1, max_size=30, unique=True)  # fmt: skip


def armed(values: list[str]) -> Matcher:
    return Matcher(
        Canary(id=n, detector="any", place="json", value=value, form_hex=value.encode().hex())
        for n, value in enumerate(values)
    )


@given(VALUES, st.lists(st.text("0123456789", max_size=40)), st.data())
def test_finds_what_a_plain_search_finds(
    values: list[str], parts: list[str], data: st.DataObject
) -> None:
    """Over digits only, where prefixes overlap most, it agrees with `in`."""
    planted = data.draw(st.lists(st.sampled_from(values)))
    text = "".join(data.draw(st.permutations(parts + planted))).encode()
    expected = {n for n, value in enumerate(values) if value.encode() in text}
    assert set(armed(values).search(text)) == expected


def test_nothing_armed_finds_nothing() -> None:
    """An empty set is no pattern that matches everywhere."""
    assert list(Matcher(()).search(b"1990047" * 10)) == []


def test_a_value_too_short_to_tell_apart_is_refused() -> None:
    """Short values would hit clean traffic."""
    with pytest.raises(ValueError, match="at least 6 bytes"):
        armed(["12345"])


def test_thousands_of_values_share_one_pass() -> None:
    """Five thousand armed values all are found in one text."""
    values = [f"1990047{n:04d}" for n in range(5000)]
    assert set(armed(values).search(" ".join(values).encode())) == set(range(5000))
