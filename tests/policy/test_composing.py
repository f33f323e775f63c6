"""Files that are refused before any of their content is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.composing import DEPTH_MAX, FILE_BYTES_MAX, compose
from policy.problems import PolicyError


def refusal(data: bytes) -> str:
    with pytest.raises(PolicyError) as caught:
        compose(data, "f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "place", "what"),
    [
        (b"", "f.yaml: ", "is empty"), (b" \n\n", "f.yaml: ", "is empty"), (b"# only\n", "f.yaml: ", "is empty"),
        (b"---\n", "f.yaml: ", "is empty"), (b"~", "f.yaml: ", "is empty"),
        (b"a: 1\nb: \xff\xfe", "f.yaml:2: ", "is not UTF-8"), (b"\x7fELF\x01\x00\x00", "f.yaml", "not allowed"),
        (b"a: [1\nb: 2", "f.yaml:2: ", "is not YAML"), (b"a: 1\n\tb: 2", "f.yaml:2: ", "is not YAML"),
        (b"a: 1\n---\nb: 2", "f.yaml:2: ", "is not YAML"), (b"a: 'x", "f.yaml:1: ", "is not YAML"),
        (b"a: &x 1\nb: *x", "f.yaml:1: ", "anchor"), (b"a: *x", "f.yaml:1: ", "alias"),
        (b"a: !!python/object:os.x {}", "f.yaml:1: ", "tag"), (b"a: 1\nb: !x 2", "f.yaml:2: ", "tag"),
        (b"a: " + b"[" * 50 + b"]" * 50, "f.yaml:1: ", "too deep"),
        (b"[" * 100_000, "f.yaml:1: ", "too deep"),
        (b"a" * (FILE_BYTES_MAX + 1), "f.yaml: ", "bytes"),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_is_no_plain_yaml_is_refused(data: bytes, place: str, what: str) -> None:
    """Empty, binary, syntax, aliases, tags, depth and size, each with its place."""
    said = refusal(data)
    assert said.startswith(place)
    assert what in said
    assert "expected" in said
    assert "fix:" in said


def test_a_bomb_of_aliases_costs_nothing() -> None:
    """Nine levels of nine would be 387 million values; all of its anchors are named instead."""
    lines = ['a0: &a0 ["x"]']
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert refusal("\n".join(lines).encode()).count("anchor") == 91


def test_depth_up_to_the_bound_is_read() -> None:
    """The bound is on nesting, not on size."""
    data = b"[" * DEPTH_MAX + b"]" * DEPTH_MAX
    assert compose(data, "f.yaml") is not None


def test_a_byte_order_mark_is_ignored() -> None:
    """Some editors write one."""
    assert compose(b"\xef\xbb\xbfa: 1", "f.yaml") is not None


yaml_like = st.lists(
    st.sampled_from(["a", ":", " ", "\n", "- ", "[", "]", "{", "}", "'", '"', "&x", "*x", "!", "#", "|", "\t", "1"])
).map("".join)  # fmt: skip


@given(yaml_like.map(str.encode) | st.binary(max_size=60))
def test_any_bytes_are_a_node_or_a_policy_error(data: bytes) -> None:
    """Nothing else is raised, whatever the file."""
    try:
        compose(data, "f.yaml")
    except PolicyError:
        return
