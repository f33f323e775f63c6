"""Views undo one encoding each, and compose."""

import contextlib
import json
import random
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.views import (
    READINGS_MAX,
    VIEWS,
    Unreadable,
    fold,
    is_plain,
    json_unescape,
    percent_decode,
    readings,
)
from tests.policy.disguises import DISGUISES, Disguise, disguise, full_width

escapes = st.lists(
    st.sampled_from(
        [b"%41", b"%e5", b"%5C", b"%25", b"%", b"%4", b"%zz", b"\\", b"\\x41", b"a", b"\xff", b"\n"]
    )
).map(b"".join)


@given(escapes | st.binary())
def test_percent_decoding_is_that_of_the_standard_library(data: bytes) -> None:
    """The fast decoder and `urllib.parse.unquote_to_bytes` agree on any bytes."""
    assert percent_decode(data) == unquote_to_bytes(data)


@given(text=st.text(st.characters(codec="utf-8")), ascii_only=st.booleans())
def test_json_unescaping_is_that_of_a_json_parser(text: str, *, ascii_only: bool) -> None:
    """What the encoder wrote, surrogate pairs too, is what comes back."""
    written = json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode()
    assert json_unescape(written) == text.encode()


def test_javascript_escapes_are_undone() -> None:
    r"""`\x31` is a digit too."""
    assert json_unescape(b"\\x31\\u0032") == b"12"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("１２３", "123"), ("٣", "3"), ("𝟗", "9"), ("②", "2"), ("ｘＸ", "xX"), ("＠", "@"),
        ("1\u00a02", "1 2"), ("1\u30002", "1 2"), ("1\u20132", "1-2"), ("1－2", "1-2"), ("1．2", "1.2"),
        ("1\u200b2\ufeff3\u00ad", "123"), ("满减，全场！", "满减，全场！"), ("😀", "😀"),
    ],
)  # fmt: skip
def test_folding_reads_what_a_person_reads(text: str, folded: str) -> None:
    """Digits, separators and the at sign of any script become ASCII, and invisible characters go."""
    assert fold(text.encode()) == folded.encode()


def test_text_that_is_not_utf8_is_unreadable() -> None:
    """Another charset could hold anything."""
    with pytest.raises(Unreadable) as caught:
        list(readings("１２３".encode("gbk")))
    assert caught.value.why == "charset"


@given(st.integers(0, 2**32).map(random.Random), st.permutations(DISGUISES[1:4]))
def test_views_compose(rng: random.Random, order: list[Disguise]) -> None:
    """Full-width digits under three escapes in any order are shown by one reading, or none is trusted."""
    hidden = full_width(rng, "40718263549")
    for view in order:
        hidden = view(rng, hidden)
    # Half an escaped character, undone in the wrong order, is no UTF-8.
    with contextlib.suppress(Unreadable):
        shown = list(readings(hidden.encode()))
        assert any(b"40718263549" in reading for reading in shown)


def test_plain_text_has_no_other_reading() -> None:
    """The common case costs four looks."""
    assert is_plain(b'{"a":1}')
    assert list(readings(b'{"a":1}')) == []


def test_escapes_stacked_beyond_the_bound_are_unreadable() -> None:
    """Six percent escapes on top of one another are nobody's traffic."""
    text = b"1"
    for _ in range(6):
        text = b"".join(b"%%%02X" % code for code in text)
    with pytest.raises(Unreadable) as caught:
        list(readings(text))
    assert caught.value.why == "nested"


@given(st.binary(max_size=400) | escapes)
def test_readings_end_for_any_bytes(data: bytes) -> None:
    """Either a bounded list or `Unreadable`, never anything else."""
    try:
        found = list(readings(data))
    except Unreadable:
        return
    assert len(found) <= READINGS_MAX
    assert len(set(found)) == len(found)


@given(st.binary(max_size=400) | escapes)
def test_a_view_that_does_not_apply_changes_nothing(data: bytes) -> None:
    """The cheap test never skips a decoding that matters, save escapes that hide no character of ours."""
    for view in VIEWS:
        if not view.applies(data) and view.id != "json":
            assert view.decode(data) == data


def test_a_disguise_is_not_the_value() -> None:
    """The tests' own disguises really hide: two escapes leave no digit run of the value."""
    hidden = disguise(random.Random(3), "40718263549", 3)
    assert "40718263549" not in hidden
