"""The last look at bytes about to be written to a site that may not hold sensitive data.

Independent on purpose: it shares no code with `policy`'s scan, works on the exact outgoing bytes (head and
body as one) instead of on parsed parts, and answers only whether they may leave. A hit is a miss of the scan,
so it is kept narrower than the scan: what the scan lets pass as clean, the guard must not stop.
It reads: raw, percent-decoded (twice), JSON escapes undone, full-width folded, the usual digit groups,
gzip inflated. Rules: mainland mobile, GB 11643-1999, ISO/IEC 7812 with Luhn, addr-spec of RFC 5322.
"""

import datetime as dt
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs]  # typed by the protocols below

INFLATED_BYTES_MAX = 1 << 20
"""A body that inflates beyond 1 MiB cannot be vouched for and is stopped."""

GZIP_MAGIC = b"\x1f\x8b\x08"


class _Search(Protocol):
    def search(self, text: bytes) -> object | None: ...


class _Encoding(Protocol):
    LATIN1: object


class _Options(Protocol):
    Encoding: _Encoding
    encoding: object


class _Re2(Protocol):
    """What is used of the untyped module."""

    def Options(self) -> _Options: ...  # noqa: N802 - RE2's name
    def compile(self, pattern: bytes, options: _Options) -> _Search: ...


def _compile(pattern: bytes) -> _Search:
    """A pattern over bytes; RE2 reads UTF-8 unless told, and would never match a lone byte above 7F."""
    typed = cast("_Re2", re2)
    options = typed.Options()
    options.encoding = options.Encoding.LATIN1
    return typed.compile(pattern, options)


_MOBILE = rb"(?:\b|_)(?:(?:00)?86[ \-]?)?(1[3-9][0-9][ \-]?[0-9]{4}[ \-]?[0-9]{4})(?:\b|_)"
_RESIDENT = rb"(?:\b|_)([1-9][0-9]{5}[ \-]?[0-9]{8}[ \-]?[0-9]{3}[0-9Xx])(?:\b|_)"
_CARD = rb"(?:\b|_)([2-68][0-9]{3}[ \-]?[0-9]{4}[ \-]?[0-9]{4}[ \-]?[0-9]{1,4}(?:[ \-]?[0-9]{1,3})?)(?:\b|_)"
# One linear pass (google-re2, about 2 µs per KB) answers most requests: nothing shaped like an identifier,
# no escape, full-width form or gzip member means nothing to look at.
_SUSPECT = _compile(
    b"|".join((_MOBILE, _RESIDENT, _CARD, rb"@|%[0-9A-Fa-f]{2}|\\|\xef[\xbc\xbd]|\x1f\x8b\x08"))
)
_PATTERNS = {
    "cn-mobile": re.compile(_MOBILE),
    "cn-resident-id": re.compile(_RESIDENT),
    "bank-card": re.compile(_CARD),
    "email": re.compile(
        rb"([A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}\.)+[A-Za-z]{2,24})"
        rb"(?![A-Za-z0-9\-])"
    ),
}
DETECTORS = frozenset(_PATTERNS)

# UUIDs, W3C trace ids and digests: their digits are chance, and the scan passes them as well.
_OPAQUE = re.compile(
    rb"(?<![0-9A-Za-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    rb"|(?:[0-9a-f]{2}-)?[0-9a-f]{32}-[0-9a-f]{16}(?:-[0-9a-f]{1,2})?)(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNICODE = re.compile(rb"\\u([0-9A-Fa-f]{4})")
_SHORT = re.compile(rb"\\([/\"\\bfnrt])")
_WIDE = re.compile(rb"\xef(?:\xbc[\x81-\xbf]|\xbd[\x80-\x9e])")
_LETTERS = {b"b": b" ", b"f": b" ", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


class Guard:
    """Looks for the enabled ones of the four built-in detectors."""

    def __init__(self, enabled: frozenset[str]) -> None:
        self._detectors = tuple(
            (name, _PATTERNS[name], _CHECKS[name]) for name in sorted(enabled & DETECTORS)
        )

    def find(self, outgoing: bytes) -> str:
        """The detector that hits, or empty when the bytes may leave; the value is never named."""
        if _SUSPECT.search(outgoing) is None:
            return ""
        inflated = _inflate(outgoing)
        if inflated is None:
            return "undecodable"
        for start in (outgoing, inflated) if inflated else (outgoing,):
            for view in _views(start):
                if hit := self._look(view):
                    return hit
        return ""

    def _look(self, view: bytes) -> str:
        for name, pattern, check in self._detectors:
            for match in pattern.finditer(view):
                if check(match[1].translate(None, b" -")) and not _is_chance(view, match):
                    return name
        return ""


def _is_chance(view: bytes, match: re.Match[bytes]) -> bool:
    """Whether the digits are part of an opaque id, of a longer dashed number, or decimals."""
    start, end = match.start(), match.end(1)
    before, after = view[max(0, start - 2) : start], view[end : end + 2]
    if before[-1:] in (b"-", b".") and before[:1].isalnum():
        return before[-1:] == b"." or _within_id(view, start, end)
    return after[:1] == b"-" and after[1:].isalnum()


def _within_id(view: bytes, start: int, end: int) -> bool:
    left = max(0, start - 64)
    return any(
        found.start() + left <= start and end <= found.end() + left
        for found in _OPAQUE.finditer(view[left : end + 64])
    )


def _views(raw: bytes) -> Iterator[bytes]:
    """Every step of decoding that changes something, each on top of the last."""
    yield raw
    view = raw
    for decode in (_unpercent, _unpercent, _unescape, _narrow):
        decoded = decode(view)
        if decoded != view:
            view = decoded
            yield view


def _unpercent(view: bytes) -> bytes:
    return _PERCENT.sub(lambda m: bytes((int(m[1], 16),)), view) if b"%" in view else view


def _unescape(view: bytes) -> bytes:
    if b"\\" not in view:
        return view
    view = _UNICODE.sub(lambda m: chr(int(m[1], 16)).encode("utf-8", "replace"), view)
    return _SHORT.sub(lambda m: _LETTERS.get(m[1], m[1]), view)


def _narrow(view: bytes) -> bytes:
    if b"\xef" not in view:
        return view
    return _WIDE.sub(lambda m: bytes((ord(m[0].decode()) - 0xFEE0,)), view)


def _inflate(outgoing: bytes) -> bytes | None:
    """Every gzip member found, inflated; None when one is beyond the bound or a gzip body is broken."""
    out: list[bytes] = []
    room = INFLATED_BYTES_MAX
    start = outgoing.find(GZIP_MAGIC)
    while start >= 0:
        member = zlib.decompressobj(31)
        try:
            plain = member.decompress(outgoing[start:], room)
        except zlib.error:
            # The magic occurs by chance in other bytes; right after the head it is a body's start.
            if outgoing[max(0, start - 4) : start] == b"\r\n\r\n":
                return None
            start = outgoing.find(GZIP_MAGIC, start + 1)
            continue
        room -= len(plain)
        if member.unconsumed_tail or room <= 0:
            return None
        out.append(plain)
        start = outgoing.find(GZIP_MAGIC, max(start + 1, len(outgoing) - len(member.unused_data)))
    return b"\n".join(out)


def _is_mobile(number: bytes) -> bool:
    return len(number) == 11


_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = b"10X98765432"
_ID_REGIONS = {1: 5, 2: 3, 3: 7, 4: 6, 5: 4, 6: 5, 7: 1, 8: 3, 9: 1}
"""Largest second digit of a province code by its first (GB/T 2260)."""


def _is_resident(number: bytes) -> bool:
    first, second = number[0] - 48, number[1] - 48
    if not (0 if first == 5 else 1) <= second <= _ID_REGIONS[first]:
        return False
    try:
        born = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(w * (d - 48) for w, d in zip(_ID_WEIGHTS, number[:17], strict=True))
    check = _ID_CHECKS[total % 11 : total % 11 + 1]
    return 1900 <= born.year < 2100 and number[17:].upper() == check


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _is_card(number: bytes) -> bool:
    if not _is_issued(number):
        return False
    digits = [d - 48 for d in reversed(number)]
    return (sum(digits[::2]) + sum(_DOUBLED[d] for d in digits[1::2])) % 10 == 0


def _is_issued(number: bytes) -> bool:
    """Issuer ranges and the lengths they use."""
    length, two, four = len(number), int(number[:2]), int(number[:4])
    if number[:1] == b"4":
        return length in {13, 16, 19}
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return length == 16
    if two in {34, 37}:
        return length == 15
    return two in {35, 60, 62, 64, 65, 81} and 16 <= length <= 19


_ASSETS = frozenset(
    b"avif css gif htm html ico jpeg jpg js json map mjs cjs png svg ttf wasm webp woff"
    b" jsx tsx vue min module esm".split()
)
"""Endings of asset names such as `logo@2x.png`, which are no mail domains."""


def _is_mail(address: bytes) -> bool:
    local, _, domain = address.lower().rpartition(b"@")
    if len(local) > 64 or b".." in domain:
        return False
    name = domain
    while (stem := name.rpartition(b"."))[2] in _ASSETS:
        name = stem[0]
    return b"." in name and name.rpartition(b".")[2].isalpha()


_CHECKS: dict[str, Callable[[bytes], bool]] = {
    "cn-mobile": _is_mobile,
    "cn-resident-id": _is_resident,
    "bank-card": _is_card,
    "email": _is_mail,
}
