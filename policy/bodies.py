"""A request body as text: content-encoding undone within a bound, charset known, or `Unreadable`."""

import re
import zlib

from policy.views import Unreadable

INFLATED_BYTES_MAX = 1 << 20
"""A body on an inspected public route is small; 1 MiB of text is far beyond one."""
RATIO_MAX = 200
"""Text deflates 3–20 times, padding up to 1032; past this the sender is hiding or attacking."""
RATIO_FREE_BYTES = 65536
"""Below this the ratio does not matter: a small body cannot exhaust anything."""

_GZIP_FIELDS = 0x1C
"""FEXTRA, FNAME, FCOMMENT (RFC 1952 §2.3.1): free text in a member's head that inflating does not show."""
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_CHARSET = re.compile(r"""charset\*?\s*=\s*["']?([^\s;"',]+)""", re.IGNORECASE)
_PART_ENCODING = re.compile(
    rb"content-transfer-encoding[ \t]*:[ \t]*+(?!7bit|8bit|binary)", re.IGNORECASE
)
_PART_CHARSET = re.compile(rb"""charset[ \t]*=[ \t]*+["']?+(?!utf-?8|us-ascii)""", re.IGNORECASE)


def body_text(data: bytes, *, content_encoding: str, content_type: str) -> bytes:
    """The bytes to scan. Raises `Unreadable` when they are not certainly text in UTF-8."""
    _expect_utf8(content_type)
    text = _inflate(data, content_encoding.strip().lower())
    if b"\x00" in text:
        raise Unreadable("nul")
    if content_type.lower().lstrip().startswith("multipart/") and (
        _PART_ENCODING.search(text) or _PART_CHARSET.search(text)
    ):
        raise Unreadable("multipart")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("charset") from error
    return text


def _expect_utf8(content_type: str) -> None:
    if any(name.lower() not in _CHARSETS for name in _CHARSET.findall(content_type)):
        raise Unreadable("charset")


def _inflate(data: bytes, encoding: str) -> bytes:
    match encoding:
        case "" | "identity":
            return data
        case "gzip" | "x-gzip":
            return _decompress(data, (16 + zlib.MAX_WBITS,), members=True)
        case "deflate":
            # RFC 9110 §8.4.1.2: the zlib format, though some clients send the bare stream.
            return _decompress(data, (zlib.MAX_WBITS, -zlib.MAX_WBITS), members=False)
        case _:
            raise Unreadable("content_encoding")


def _decompress(data: bytes, window_bits: tuple[int, ...], *, members: bool) -> bytes:
    for bits in window_bits:
        try:
            return _decompress_as(data, bits, members=members)
        except zlib.error:
            continue
    raise Unreadable("broken")


def _decompress_as(data: bytes, bits: int, *, members: bool) -> bytes:
    text, rest = b"", data
    while True:
        if members and rest[:2] == b"\x1f\x8b" and len(rest) > 3 and rest[3] & _GZIP_FIELDS:
            raise Unreadable("content_encoding")
        stream = zlib.decompressobj(bits)
        text += stream.decompress(rest, INFLATED_BYTES_MAX + 1 - len(text))
        if len(text) > INFLATED_BYTES_MAX:
            raise Unreadable("inflated")
        if not stream.eof:
            raise Unreadable("broken")
        rest = stream.unused_data
        if len(text) > max(RATIO_FREE_BYTES, RATIO_MAX * len(data)):
            raise Unreadable("inflated")
        if not rest:
            return text
        if not members:
            raise Unreadable("broken")
