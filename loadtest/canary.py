"""Canaries: checksum-valid identifiers from ranges clean traffic never uses, and how each place writes them.

Pure. A value is a function of (detector, index), so a manifest written before a run and the requests sent
in it agree without either reading the other. The tap that looks for them shares no code with this file.
"""

import datetime as dt
import functools
import itertools
import zlib
from typing import Literal, assert_never

import msgspec

from contracts.load import Operation
from contracts.tap import Place

Detector = Literal["cn-mobile", "cn-resident-id", "bank-card", "email"]
Spelling = Literal[
    "plain", "query", "cookie_listed", "json", "escapes", "separators", "nested", "target"
]

DETECTORS: tuple[Detector, ...] = ("cn-mobile", "cn-resident-id", "bank-card", "email")
PLACES: tuple[Place, ...] = (
    "path", "query", "header", "cookie", "json", "form", "gzip", "fullwidth", "public_route",
)  # fmt: skip
CAPACITY: dict[Detector, int] = {
    "cn-mobile": 10_000,
    "cn-resident-id": 300_000,
    "bank-card": 10_000_000,
    "email": 26**6,
}
"""How many different values each range holds; callers wrap around beyond it."""

_WIDE = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}
_PAIRS = tuple(chr(97 + at // 26) + chr(97 + at % 26) for at in range(676))
_FIRST_DAY = dt.date(1901, 1, 1)
_ID_WEIGHTS = tuple(pow(2, 17 - position, 11) for position in range(17))


class Planting(msgspec.Struct, frozen=True, kw_only=True):
    """One canary as planted: where, in which spelling, and the bytes that must show up on the wire.

    `text` is the spelling before the carrier encodes it (what a JSON string or header holds); `form` is what
    leaves the socket. In a gzip body `form` is the canary's own compressed block.
    """

    id: int
    detector: Detector
    place: Place
    spelling: Spelling
    operation: Operation
    value: str
    text: str
    form: bytes


def canary_value(detector: Detector, index: int) -> str:
    """The `index`-th value of a detector's canary range; it wraps around at `CAPACITY`."""
    at = index % CAPACITY[detector]
    match detector:
        case "cn-mobile":
            return f"1990047{at:04d}"
        case "cn-resident-id":
            return _resident_id(at)
        case "bank-card":
            body = f"62990047{at:07d}"
            return body + luhn_digit(body)
        case "email":
            return f"canary-{letters(at, 6)}@shop.example"
        case _:
            assert_never(detector)


def clean_phone(index: int) -> str:
    """A mobile number of clean traffic: well-formed, outside the canary range."""
    return f"188{index % 10**8:08d}"


def letters(number: int, width: int) -> str:
    """`number` in base 26 as `width` lowercase letters, so that no detector mistakes a counter for a number."""
    high, low = divmod(number, 676)
    return (_high_letters(high, width - 2) + _PAIRS[low])[-width:]


@functools.lru_cache(maxsize=64)
def _high_letters(number: int, width: int) -> str:
    # Counters move in their last two letters; the rest is the same for hundreds of calls.
    out: list[str] = []
    for _ in range(width):
        number, rest = divmod(number, 26)
        out.append(chr(97 + rest))
    return "".join(reversed(out))


def luhn_digit(body: str) -> str:
    """The check digit that makes `body` + digit pass Luhn."""
    total = 0
    for position, char in enumerate(reversed(body)):
        digit = int(char) * (2 if position % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return str(-total % 10)


def mod_11_2_digit(body: str) -> str:
    """The check character of a resident id (ISO 7064 MOD 11-2) for its first 17 digits."""
    total = sum(int(char) * weight for char, weight in zip(body, _ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def _resident_id(index: int) -> str:
    day, sequence = index % 365, index // 365 + 1
    birth = _FIRST_DAY + dt.timedelta(days=day)
    body = f"110101{birth:%Y%m%d}{sequence:03d}"
    return body + mod_11_2_digit(body)


Slot = tuple[Operation, Spelling]
_VARIANTS: dict[Place, tuple[Slot, ...]] = {
    "path": (("ads", "target"),),
    "query": (("ads", "query"),),
    "header": (("ads", "plain"),),
    "cookie": (("ads", "plain"), ("ads", "cookie_listed")),
    "json": (("click", "json"),),
    "form": (("click", "query"),),
    "gzip": (("click", "json"),),
    "fullwidth": (("click", "json"), ("ads", "query")),
    "public_route": (
        ("click", "separators"), ("click", "escapes"), ("click", "nested"), ("click", "query"),
    ),
}  # fmt: skip
"""Per place the operations and spellings it cycles over; `public_route` hides values where none is expected."""


def slot_of(ordinal: int) -> tuple[Place, Detector, Slot]:
    """Where the `ordinal`-th canary of a run stands: places change fastest, then detectors, then variants."""
    place = PLACES[ordinal % len(PLACES)]
    rounds = ordinal // len(PLACES)
    # Only digits have a full-width form the fold must undo, and an address has no separators to drop.
    detectors: list[Detector] = [one for one in DETECTORS if place != "fullwidth" or one != "email"]
    detector = detectors[rounds % len(detectors)]
    slots = [slot for slot in _VARIANTS[place] if detector != "email" or slot[1] != "separators"]
    return place, detector, slots[rounds // len(detectors) % len(slots)]


def planting(ordinal: int, *, identity: int, index: int) -> Planting:
    """The `ordinal`-th canary of a run on a public-looking request; `index` picks the value in its range."""
    place, detector, (operation, spelling) = slot_of(ordinal)
    value = canary_value(detector, index)
    text = _spell(value, detector, place=place, spelling=spelling)
    return Planting(
        id=identity, detector=detector, place=place, spelling=spelling, operation=operation,
        value=value, text=text, form=_form(text, place=place, spelling=spelling),
    )  # fmt: skip


def planting_in_sensitive(
    operation: Operation, *, identity: int, index: int, detector: Detector
) -> Planting:
    """The canary every order and profile body carries, so that any misrouting shows."""
    value = canary_value(detector, index)
    return Planting(
        id=identity, detector=detector, place="json", spelling="json", operation=operation,
        value=value, text=value, form=value.encode(),
    )  # fmt: skip


def _spell(value: str, detector: Detector, *, place: Place, spelling: Spelling) -> str:
    if place == "fullwidth":
        return value.translate(_WIDE)
    if spelling == "separators":
        cuts = {"cn-mobile": (3, 7), "bank-card": (4, 8, 12), "cn-resident-id": (6, 14)}
        between = " " if detector == "bank-card" else "-"
        edges = (0, *cuts[detector], len(value))
        return between.join(value[a:b] for a, b in itertools.pairwise(edges))
    return value


def escape_all(text: str) -> str:
    r"""`text` as JSON `\uXXXX` escapes, one for every character."""
    return "".join(f"\\u{ord(char):04x}" for char in text)


def _form(text: str, *, place: Place, spelling: Spelling) -> bytes:
    if place == "gzip":
        return gzip_around(b"", text.encode(), b"")[1]
    if spelling == "query":
        return percent(text).encode()
    if spelling == "escapes":
        return escape_all(text).encode()
    return text.encode()


def percent(text: str) -> str:
    """`text` as a query or form value: every UTF-8 byte outside letters, digits and `-._~` escaped."""
    return "".join(
        chr(byte) if (chr(byte).isalnum() and byte < 128) or byte in b"-._~" else f"%{byte:02X}"
        for byte in text.encode()
    )


def gzip_around(before: bytes, middle: bytes, after: bytes) -> tuple[bytes, bytes]:
    """A gzip stream of the three parts, and the bytes that hold `middle` in it.

    Full flushes around `middle` align it to a byte and forget what came before, so its compressed form is
    the same in every body and can be searched for as it is.
    """
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    head = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(middle) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = packer.compress(after) + packer.flush(zlib.Z_FINISH)
    return head + block + tail, block
