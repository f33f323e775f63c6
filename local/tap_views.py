"""The decoded views in which a canary is looked for: what a reader of the bytes could turn them into.

Pure and free of `policy/` on purpose: the tap must not inherit a blind spot of the detectors it checks.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

_JSON_ESCAPE = re.compile(rb"\\u([0-9a-fA-F]{4})")
_FULL_WIDTH = re.compile(rb"\xef\xbc[\x81-\xbf]|\xef\xbd[\x80-\x9e]|\xe3\x80\x80|\xc2\xa0")
_FULL_WIDTH_SHIFT = 0xFEE0
"""U+FF01..U+FF5E are U+0021..U+007E moved up by this much."""
SEPARATORS = b" \t-._,:()/+"
"""What people put between the digits of a number."""
PERCENT_ROUNDS = 2
"""Double encoding is undone; a third round has not been met in any client."""


def views(window: bytes) -> Iterator[tuple[str, bytes]]:
    """Each distinct view of `window` with its name, `raw` first; only views that differ are yielded."""
    seen = {window}
    yield "raw", window
    decoded = [("raw", window)]
    percent = percent_decoded(window)
    for name, view in (
        ("percent", percent),
        ("json", json_unescaped(window)),
        ("fullwidth", full_width_folded(window)),
        ("folded", full_width_folded(json_unescaped(percent))),
    ):
        if view not in seen:
            seen.add(view)
            decoded.append((name, view))
            yield name, view
    for name, view in decoded:
        joined = view.translate(None, SEPARATORS)
        if joined not in seen:
            seen.add(joined)
            yield ("separators" if name == "raw" else f"{name}+separators"), joined


def percent_decoded(window: bytes) -> bytes:
    """`window` with percent escapes undone, twice where escapes were themselves escaped."""
    for _ in range(PERCENT_ROUNDS):
        if b"%" not in window:
            break
        window = unquote_to_bytes(window)
    return window


def json_unescaped(window: bytes) -> bytes:
    r"""`window` with \uXXXX escapes undone; other escapes do not occur in identifiers."""
    if b"\\u" not in window:
        return window
    return _JSON_ESCAPE.sub(_utf8_of_escape, window)


def _utf8_of_escape(match: "re.Match[bytes]") -> bytes:
    # half of a surrogate pair is no character of its own: it stays visible as escaped
    return chr(int(match[1], 16)).encode(errors="backslashreplace")


def full_width_folded(window: bytes) -> bytes:
    """`window` with UTF-8 full-width forms as ASCII and wide spaces as spaces."""
    if b"\xef" not in window and b"\xe3" not in window and b"\xc2" not in window:
        return window
    return _FULL_WIDTH.sub(_ascii_of_full_width, window)


def _ascii_of_full_width(match: "re.Match[bytes]") -> bytes:
    code = ord(match[0].decode())
    return bytes((code - _FULL_WIDTH_SHIFT,)) if code > _FULL_WIDTH_SHIFT else b" "
