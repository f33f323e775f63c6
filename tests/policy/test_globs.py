"""Globs over hosts and paths."""

import re

import pytest

from policy.globs import GlobFault, host_glob, path_glob


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("/ads", "/ads", True), ("/ads", "/ads/", False), ("/ads", "/adsx", False),
        ("/ads/**", "/ads/", True), ("/ads/**", "/ads/1", True), ("/ads/**", "/ads/1/2", True),
        ("/ads/**", "/ads", False), ("/ads/**", "/adsx/1", False), ("/ads/*", "/ads/1", True),
        ("/ads/*", "/ads/1/2", False), ("/*/x", "/a/x", True), ("/**/x", "/x", True),
        ("/**/x", "/a/b/x", True), ("/**/x", "/ax", False), ("/img-*", "/img-1", True),
        ("/a.b", "/aXb", False), ("/", "/", True), ("/**", "/", True), ("/**", "/a\nb", True),
        ("/双/*", "/双/1", True),
    ],
)  # fmt: skip
def test_path_globs(glob: str, path: str, *, matches: bool) -> None:
    """One star stays in its segment, two cross slashes, and nothing is a regular expression."""
    assert bool(re.fullmatch(path_glob(glob), path, re.DOTALL)) is matches


@pytest.mark.parametrize(
    "glob", ["", "ads", "/ads//x", "/a/../b", "/./a", "/a**", "/a?b", "/a;b", "/a%20b"]
)
def test_path_globs_that_could_never_match_are_refused(glob: str) -> None:
    """A glob is over normal paths."""
    with pytest.raises(GlobFault):
        path_glob(glob)


@pytest.mark.parametrize(
    ("glob", "host", "matches"),
    [
        ("*", "shop.example", True), ("*", "", True), ("shop.example", "shop.example", True),
        ("shop.example", "shopxexample", False), ("*.example", "shop.example", True),
        ("*.example", "a.shop.example", False), ("**.example", "a.shop.example", True),
        ("**.example", "example", False), ("[::1]", "[::1]", True),
    ],
)  # fmt: skip
def test_host_globs(glob: str, host: str, *, matches: bool) -> None:
    """One star is one label; alone it is any host."""
    assert bool(re.fullmatch(host_glob(glob), host)) is matches


@pytest.mark.parametrize(
    "glob", ["", "Shop.example", "a..b", "a b", "shop.example:80", "http://x", "a*"]
)
def test_bad_host_globs_are_refused(glob: str) -> None:
    """Hosts are compared in lower case and without a port, so others would never match."""
    with pytest.raises(GlobFault):
        host_glob(glob)
