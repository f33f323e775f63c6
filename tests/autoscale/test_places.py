"""YAML with the line of every part."""

import pytest

from autoscale.places import BYTES_MAX, PromotionFileError, documents, mapping, text_of

TEXT = b"""a: 1
b:
  c: [x, 2.5, true, ~]
  d: 2026-11-11T00:00:00+08:00
---
e: 0x10
---
"""


def test_values_come_with_their_lines() -> None:
    """Every document; times stay text; a path nobody wrote has the line around it."""
    first, second = documents(TEXT, "f.yaml")
    assert first.value == {
        "a": 1, "b": {"c": ["x", 2.5, True, None], "d": "2026-11-11T00:00:00+08:00"},
    }  # fmt: skip
    assert (first.line("a"), first.line("b.c[1]"), first.line("b.d")) == (1, 3, 4)
    assert (first.line("b.c[1].x.y"), first.line("zzz"), first.line("b.zzz[3]")) == (3, 1, 2)
    assert (second.value, second.line("e")) == ({"e": 16}, 6)


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"a: 1\nb: &x 2\nc: *x\n", 2, "an anchor"),
        (b"a: 1\na: 2\n", 2, "stands twice"),
        (b"a: [1\nb: 2\n", 2, "expected"),
        (b"a: 1\n\xff\n", 2, "not UTF-8"),
        (b"x" * (BYTES_MAX + 1), 0, "bytes"),
        (b"[" * 40 + b"]" * 40, 1, "too deep"),
    ],
)
def test_what_hides_something_is_refused(data: bytes, line: int, message: str) -> None:
    """With file, line and what to do."""
    with pytest.raises(PromotionFileError) as caught:
        documents(data, "f.yaml")
    problem = caught.value.problems[0]
    assert (problem.file, problem.line) == ("f.yaml", line)
    assert message in problem.message
    assert problem.fix in str(caught.value)


def test_a_byte_order_mark_is_no_letter() -> None:
    """Spreadsheets write one."""
    assert text_of(b"\xef\xbb\xbfname", "f.csv") == "name"


def test_only_a_map_is_a_map() -> None:
    """Everything else is an empty one."""
    assert mapping({"a": 1}) == {"a": 1}
    assert mapping([1]) == {}


def test_an_odd_number_stays_text() -> None:
    """YAML 1.1 calls 1:30 a number of base sixty and 08 none; nobody here means that."""
    (only,) = documents(b"a: 1:30\nb: .5\nc: 1_000\n", "f.yaml")
    assert only.value == {"a": "1:30", "b": 0.5, "c": 1000}
