"""Cookies before a public socket: only listed ones pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cookies import keep_cookies

AB = frozenset({b"ab"})


def test_only_listed_cookies_are_kept_as_they_were() -> None:
    """Order and bytes of what stays are unchanged."""
    assert keep_cookies(b"s=1; ab=x=y%20;t=2; ab=z", AB) == b"ab=x=y%20; ab=z"
    assert keep_cookies(b"session=1", AB) == b""


def test_a_name_is_matched_whole_and_by_case() -> None:
    """Neither a prefix, nor another case, nor a pair without a name passes."""
    assert keep_cookies(b"abc=1; AB=2; ab; xab=3; =4", AB) == b""


@given(st.binary(max_size=200))
def test_no_unlisted_value_ever_passes(value: bytes) -> None:
    """Whatever the bytes, every pair that comes out has a listed name."""
    kept = keep_cookies(value, AB)
    assert all(pair.partition(b"=")[0].strip() == b"ab" for pair in kept.split(b"; ") if pair)
    assert keep_cookies(kept, AB) == kept


@pytest.mark.parametrize(
    "value", [b"ab=1, session=secret", b'ab="1 session=secret"', b"ab=a b", b'ab="x', b"ab=x\\y"]
)
def test_a_second_cookie_inside_a_listed_one_does_not_ride_along(value: bytes) -> None:
    """A value that is no cookie value is read differently by others: the pair goes."""
    assert keep_cookies(value, frozenset({b"ab"})) == b""


@pytest.mark.parametrize("value", [b"ab=1", b'ab="1"', b"ab=a%20b/c=d"])
def test_an_ordinary_value_stays_as_it_was(value: bytes) -> None:
    """Quotes, escapes and equals signs are cookie values."""
    assert keep_cookies(value, frozenset({b"ab"})) == value
