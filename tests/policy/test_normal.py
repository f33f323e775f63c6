"""The normal form of a target: what is in it, what is not, and that nothing else passes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.normal import normal_target


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/", "/"), (b"/ads", "/ads"), (b"/ads/", "/ads/"), (b"/ads?", "/ads"), (b"/ads?a=b&c", "/ads"),
        (b"/ads/%E5%8F%8C11", "/ads/双11"), (b"/ads/a%20b", "/ads/a b"), (b"/ads/%e5%8f%8c", "/ads/双"),
        (b"/ads?u=https%3A%2F%2Fx%2F", "/ads"), (b"/ads?u=https://x/../y;z", "/ads"),
        (b"/ads?list[]=1&q={a|b}", "/ads"), (b"/ads?note=a%0Ab%09c", "/ads"), (b"/a.b/...", "/a.b/..."),
        (b"/ads?p=100%25", "/ads"), (b"/ads/@me:1,2", "/ads/@me:1,2"), (b"/.well-known/x", "/.well-known/x"),
    ],
)  # fmt: skip
def test_normal_targets_pass(target: bytes, path: str) -> None:
    """What clients send every day is normal, and its path is decoded once."""
    found = normal_target(target)
    assert (found.fault, found.path) == (None, path)


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        (b"", "form"), (b"*", "form"), (b"http://x/ads", "form"), (b"x:443", "form"), (b"ads", "form"),
        (b"/ads/../orders", "dot_segment"), (b"/ads/.", "dot_segment"), (b"/./ads", "dot_segment"),
        (b"/ads/..", "dot_segment"), (b"/ads/%2e%2e/orders", "dot_segment"), (b"/ads/.%2E", "dot_segment"),
        (b"//ads", "slash"), (b"/ads//x", "slash"), (b"/ads%2Fx", "slash"), (b"/ads%2fx", "slash"),
        (b"/ads%5Cx", "slash"), (b"/ads\\x", "character"), (b"/ads;a=1", "parameter"),
        (b"/ads%3Bx", "parameter"), (b"/ads%00", "control"), (b"/ads%0D%0AX", "control"),
        (b"/ads%7F", "control"), (b"/ads?a=%00", "control"), (b"/ads?a=%1b", "control"),
        (b"/%61ds", "escape"), (b"/ads/%7E", "escape"), (b"/ads%", "escape"), (b"/ads?%zz", "escape"),
        (b"/ads/%4", "escape"), (b"/ads/%2541", "double_encoding"), (b"/ads?a=%2531", "double_encoding"),
        (b"/ads/%B1%EA", "charset"), (b"/ads?q=%B1%EA", "charset"), (b"/ads/%C0%AF", "charset"),
        ("/ads/双".encode(), "character"), (b"/ads?q=\xff", "character"), (b"/ads x", "character"),
        (b"/ads?q=a b", "character"), (b"/ads#f", "character"), (b"/ads?q=#f", "character"),
        (b"/ads\x00", "character"), (b"/ads\n", "character"), (b"/ads?\n", "character"),
        (b'/ads?q="', "character"), (b"/ads?q=<", "character"), (b"/ads?q=\\", "character"),
    ],
)  # fmt: skip
def test_every_repair_is_a_fault(target: bytes, fault: str) -> None:
    """A target that needs repair is named by the first repair it needs."""
    assert normal_target(target).fault == fault


pieces = st.lists(
    st.sampled_from([b"/", b"/", b"ads", b".", b"..", b"%2e", b"%2F", b"%25", b"41", b"?", b";", b"%",
                     b"\\", b"%E5%8F%8C", b"%00", b"a", b"#", b"\xff", b" ", b"http://x"])
).map(b"".join)  # fmt: skip


@given(pieces | st.binary(max_size=40))
def test_a_normal_path_means_one_thing(target: bytes) -> None:
    """Whatever passes has no dot segment, empty segment, backslash, control or `;`, decoded once or twice."""
    found = normal_target(target)
    if found.fault is None:
        assert found.path.startswith("/")
        assert not re.search(r"//|\\|;|[\x00-\x1f\x7f]|/\.{1,2}(?:/|$)", found.path)
        assert not re.search(r"%[0-9A-Fa-f]{2}", found.path)
        assert found.path.encode().decode() == found.path


@given(pieces | st.binary(max_size=40))
def test_any_bytes_are_answered(target: bytes) -> None:
    """Total: a target always has a path to match and a fault or none."""
    found = normal_target(target)
    assert isinstance(found.path, str)


def test_an_absolute_form_is_matched_by_its_path() -> None:
    """It is not trusted, but it is not lost either."""
    assert normal_target(b"http://shop.example/ads/1?x").path == "/ads/1"
    assert normal_target(b"http://shop.example").path == "/"
