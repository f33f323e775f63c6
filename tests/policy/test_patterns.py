"""google-re2 behind typed methods."""

import pytest

from policy.patterns import Pattern, PatternFault, PatternSet


def test_a_set_names_every_pattern_found() -> None:
    """Indexes are those of the patterns given; nothing found is empty."""
    patterns = PatternSet([b"a+", b"[0-9]", b"\xff"], utf8=False)
    assert sorted(patterns.match(b"xxa7")) == [0, 1]
    assert list(patterns.match(b"\xff")) == [2]
    assert list(patterns.match(b"")) == []


def test_an_empty_set_finds_nothing() -> None:
    """A policy without custom detectors has one."""
    assert list(PatternSet([], utf8=True).match(b"abc")) == []


def test_characters_or_bytes() -> None:
    """In UTF-8 a class holds characters."""
    assert Pattern("[京沪]A".encode(), utf8=True).span("沪A1".encode()) == (0, 4)


def test_a_span_is_searched_from_an_index() -> None:
    """The start of the search moves, the text stays."""
    pattern = Pattern(b"[0-9]+", utf8=False)
    assert pattern.span(b"1 22") == (0, 1)
    assert pattern.span(b"1 22", 1) == (2, 4)
    assert pattern.span(b"1 22", 4) is None


@pytest.mark.parametrize("pattern", [b"(", b"(?<=a)b", b"(a)\\1", b"[z-a]", b"a{2000}"])
def test_what_re2_refuses_is_said(pattern: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """The fault carries RE2's reason, and nothing goes to the terminal."""
    with pytest.raises(PatternFault) as caught:
        Pattern(pattern, utf8=True)
    assert str(caught.value)
    with pytest.raises(PatternFault):
        PatternSet([pattern], utf8=True)
    assert capfd.readouterr().err == ""
