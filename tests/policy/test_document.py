"""Reading a file against its grammar."""

from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, field

from policy.document import Document, read_document
from policy.problems import PolicyError


class Inner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    size: int | str = 1
    share: Annotated[float, Meta(ge=0, le=1, description="a share from 0 to 1")] = 0.5


class Outer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str = field(name="class")
    items: tuple[Inner, ...] = ()
    named: dict[Annotated[str, Meta(pattern="^[a-z]+$", description="a name")], Inner] = {}


def read(text: str) -> Document[Outer]:
    return read_document(text.encode(), "f.yaml", Outer)


def said(document: Document[Outer]) -> list[str]:
    return [str(problem).partition("; expected")[0] for problem in document.problems]


def test_a_good_file_becomes_its_struct() -> None:
    """Renamed keys, defaults and unions are read."""
    document = read("class: x\nitems: [{size: 3}, {size: '4', share: 1}]\nnamed: {a: {}}\n")
    document.finish()
    assert document.value == Outer(
        kind="x", items=(Inner(size=3), Inner(size="4", share=1.0)), named={"a": Inner()}
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("class: 1", "f.yaml:1: class: is a number"),
        ("class: yes", "f.yaml:1: class: is true or false"),
        ("class: 2026-11-24", "f.yaml:1: class: is a date"),
        ("class: ~", "f.yaml:1: class: is nothing"),
        ("class: [a]", "f.yaml:1: class: is a list"),
        ("class: a\nclas: b", 'f.yaml:2: clas: unknown key "clas"'),
        ("class: a\nclass: b", "f.yaml:2: class: key stands twice, first on line 1"),
        ("items: []", 'f.yaml:1: key "class" is missing'),
        ("class: a\n1: b", "f.yaml:2: 1: key is not text"),
        ("class: a\n[x]: b", "f.yaml:2: ?: key is not text"),
        ("class: a\nitems: x", "f.yaml:2: items: is text"),
        ("class: a\nitems: {a: 1}", "f.yaml:2: items: is a map"),
        ("class: a\nitems:\n- {share: 2}", "f.yaml:3: items[0].share: 2.0 is out of range"),
        ("class: a\nitems:\n- {share: .nan}", "f.yaml:3: items[0].share: is a number"),
        ("class: a\nnamed:\n  A: {}", "f.yaml:3: named.A: key is no name"),
        ("- a", "f.yaml:1: is a list"),
        ("text", "f.yaml:1: is text"),
    ],
)  # fmt: skip
def test_every_fault_has_its_place(text: str, problem: str) -> None:
    """Line, path and what stands there."""
    assert said(read(text)) == [problem]


def test_all_faults_are_told_at_once() -> None:
    """A wrong part is left out and the rest is still read."""
    document = read(
        "class: a\nitems:\n- {size: [1]}\n- {sze: 1}\n- {size: 2}\nnamed: {B: {}, b: {share: x}}\n"
    )
    assert len(document.problems) == 4
    assert document.value is not None
    assert [item.size for item in document.value.items] == [2] or len(document.value.items) == 3


def test_indexes_of_the_value_are_those_of_the_file_again_in_a_report() -> None:
    """Items left out do not shift the lines of later ones."""
    document = read("class: a\nitems:\n- 1\n- {size: 2}\n- 3\n- {size: 4}\n")
    document.report("items[1].size", "odd", expected="e", fix="f")
    assert str(document.problems[-1]).startswith("f.yaml:6: items[3].size: odd")
    assert document.line("items[0]") == 4


def test_a_report_without_a_known_place_points_at_the_file() -> None:
    """A path that was not written stands where the file begins."""
    document = read("class: a")
    document.report("items[7]", "odd", expected="e", fix="f")
    assert document.problems[0].line == 1
    with pytest.raises(PolicyError):
        document.finish()


def test_keys_are_those_written_even_under_faulty_values() -> None:
    """A reference to a faulty part is not reported as unknown too."""
    assert read("class: a\nnamed: {b: 1, c: {}}").keys("named") == ("b", "c")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["class", "items", "named", "size", "share", "x"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(plain)
def test_any_document_is_a_value_or_has_problems(content: object) -> None:
    """Whatever the shape, nothing but problems comes out of a wrong one."""
    import yaml  # noqa: PLC0415 - only this test writes YAML

    try:
        document = read(yaml.safe_dump(content))
    except PolicyError:
        return
    assert document.value is not None or document.problems
