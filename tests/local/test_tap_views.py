"""What a reader of the bytes could turn them into."""

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from local.tap_views import full_width_folded, json_unescaped, percent_decoded, views

PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


@given(PRINTABLE.filter(lambda text: "%" not in text))
def test_percent_is_undone_once_and_twice(text: str) -> None:
    """Escaped once or twice, the text comes back."""
    once = "".join(f"%{ord(c):02X}" for c in text)
    assert percent_decoded(once.encode()) == text.encode()
    assert percent_decoded(quote(once).encode()) == text.encode()


@given(st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF)))
def test_json_escapes_are_undone(text: str) -> None:
    """Every character of the basic plane comes back from its escape."""
    escaped = "".join(f"\\u{ord(c):04x}" for c in text)
    assert json_unescaped(escaped.encode()) == text.encode()


@given(PRINTABLE)
def test_full_width_folds_to_ascii(text: str) -> None:
    """Every full-width form has its ASCII character."""
    wide = text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    assert full_width_folded(wide.encode()) == text.encode()


@given(st.binary())
def test_views_are_distinct_and_total(window: bytes) -> None:
    """Any bytes have views, raw first, none twice, and no view raises."""
    found = list(views(window))
    assert found[0] == ("raw", window)
    assert len({view for _, view in found}) == len(found)


def test_half_a_surrogate_stays_as_escaped() -> None:
    """A lone surrogate is no character, and no error."""
    assert json_unescaped(b"x\\ud800y") == b"x\\ud800y"
