"""Globs over hosts and paths: `*` is one segment (a label, a path part), `**` is any number of them."""

import re


class GlobFault(Exception):  # noqa: N818 - read as "the glob's fault", said to its author
    """A glob that would match nothing or not what it says; the message says why."""


_PATH_GLOB = re.compile(r"/|(?:/(?:\*\*|[A-Za-z0-9\-._~!$&'()+,=:@*\u0080-\U0010ffff]+))+/?")
_HOST_GLOB = re.compile(r"\*|(?:(?:\*\*?|[a-z0-9\-]+)\.)*[a-z0-9\-]+|\[[0-9a-f:.]+\]")


def path_glob(glob: str) -> str:
    """The regular expression of a path glob, for `fullmatch` on a decoded path. Raises `GlobFault`."""
    if not glob.startswith("/"):
        raise GlobFault("a path starts with /")
    if not _PATH_GLOB.fullmatch(glob):
        raise GlobFault("empty segment or a character that no normal path has")
    segments = glob.split("/")[1:]
    if any(segment in {".", ".."} for segment in segments):
        raise GlobFault("a normal path has no dot segment")
    if any("**" in segment and segment != "**" for segment in segments):
        raise GlobFault("** stands alone between slashes")
    parts = [
        _path_segment(segment, last=n == len(segments)) for n, segment in enumerate(segments, 1)
    ]
    return "".join(parts)


def _path_segment(segment: str, *, last: bool) -> str:
    if segment == "**":
        return "/.*" if last else "(?:/[^/]+)*"
    return "/" + "".join("[^/]*" if char == "*" else re.escape(char) for char in segment)


def host_glob(glob: str) -> str:
    """The regular expression of a host glob, for `fullmatch` on a lower-case host without port.

    `*` alone is any host. Raises `GlobFault`.
    """
    if not _HOST_GLOB.fullmatch(glob):
        raise GlobFault("a host is lower-case labels with dots, * for one label, ** for any")
    if glob == "*":
        return r".*"
    labels = glob.split(".")
    return r"\.".join(_HOST_LABEL.get(label, re.escape(label)) for label in labels)


_HOST_LABEL = {"*": r"[^.]+", "**": r"[^.]+(?:\.[^.]+)*"}
