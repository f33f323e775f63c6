"""The normal form of a request target, and why a target is not in it.

Two programs that read one target differently are how a request reaches a place nobody judged. So matching
uses a form that every reader agrees on, and a target that needs any repair to get there is not trusted:
RFC 3986 §6.2.2 lists the repairs, this module refuses to make them.
"""

import re
from typing import Literal

from policy.model import Model
from policy.views import percent_decode

Fault = Literal[
    "form",  # not origin-form: absolute-form, authority-form or asterisk
    "character",  # a byte that RFC 3986 does not allow there
    "escape",  # a malformed escape, or one that hides a byte which needs none
    "dot_segment",
    "slash",  # an empty segment, or a slash or backslash in disguise
    "parameter",  # `;`, which some servers cut off and others keep
    "control",
    "double_encoding",
    "charset",  # not UTF-8 once decoded
]

_PLAIN_PATH = re.compile(rb"(?:/[A-Za-z0-9\-_~!$&'()*+,=:@][A-Za-z0-9\-._~!$&'()*+,=:@]*)+/?|/")
"""The common case, all at once: no escape, no empty segment, no segment that starts with a dot."""
_PLAIN_QUERY = re.compile(rb"[A-Za-z0-9\-._~!$&'()*+,=:@/?\[\]|{}^`]*")
_PATH = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,=:@/;]|%[0-9A-Fa-f]{2})*")
_QUERY = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,=:@/;?\[\]|{}^`]|%[0-9A-Fa-f]{2})*")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_UNRESERVED_ESCAPE = re.compile(rb"%(?:2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")
_DOUBLE = re.compile(rb"%25[0-9A-Fa-f]{2}")
_SLASH_ESCAPE = re.compile(rb"%(?:2[Ff]|5[Cc])")
_PARAMETER = re.compile(rb";|%3[Bb]")
_DOT_SEGMENT = re.compile(rb"(?:^|/)\.{1,2}(?:/|$)")
_PATH_CONTROL = re.compile(rb"%(?:[01][0-9A-Fa-f]|7[Ff])")
_QUERY_CONTROL = re.compile(rb"%(?:0[0-8BbCcEeFf]|1[0-9A-Fa-f]|7[Ff])")
"""Tab, line feed and carriage return are ordinary in a query value: text fields hold them."""


class Target(Model, frozen=True, kw_only=True):
    """A request target taken apart: `path` decoded for matching, and the first `fault` if it has one."""

    path: str
    fault: Fault | None


def normal_target(target: bytes) -> Target:
    """Take a target apart; `fault` is None exactly when it is already in normal form."""
    path, _, query = target.partition(b"?")
    if _PLAIN_PATH.fullmatch(path) and _PLAIN_QUERY.fullmatch(query):
        return Target(path=path.decode("ascii"), fault=None)
    fault = _form_fault(target) or _path_fault(path) or _query_fault(query)
    return Target(path=percent_decode(_origin(path)).decode("utf-8", "replace"), fault=fault)


def _origin(path: bytes) -> bytes:
    """The path of an absolute-form target; anything else unchanged."""
    _, scheme, rest = path.partition(b"://")
    if not scheme or path.startswith(b"/"):
        return path
    _, slash, tail = rest.partition(b"/")
    return slash + tail or b"/"


def _form_fault(target: bytes) -> Fault | None:
    return None if target.startswith(b"/") else "form"


def _path_fault(path: bytes) -> Fault | None:
    if fault := _shared_fault(path, _PATH):
        return fault
    if _UNRESERVED_ESCAPE.search(path):
        return "dot_segment" if _DOT_SEGMENT.search(percent_decode(path)) else "escape"
    if _DOT_SEGMENT.search(path):
        return "dot_segment"
    if b"//" in path or _SLASH_ESCAPE.search(path):
        return "slash"
    if _PARAMETER.search(path):
        return "parameter"
    return "control" if _PATH_CONTROL.search(path) else None


def _query_fault(query: bytes) -> Fault | None:
    if fault := _shared_fault(query, _QUERY):
        return fault
    return "control" if _QUERY_CONTROL.search(query) else None


def _shared_fault(part: bytes, allowed: re.Pattern[bytes]) -> Fault | None:
    if _BAD_ESCAPE.search(part):
        return "escape"
    if not allowed.fullmatch(part):
        return "character"
    if _DOUBLE.search(part):
        return "double_encoding"
    try:
        percent_decode(part).decode("utf-8")
    except UnicodeDecodeError:
        return "charset"
    return None
