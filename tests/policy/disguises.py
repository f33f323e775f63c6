"""The ways a value can be written so that a receiver still reads it, and the places of a request it can stand in."""

import gzip
import json
import random
import zlib
from collections.abc import Callable
from urllib.parse import quote

from policy.model import RequestHead

Disguise = Callable[[random.Random, str], str]


def percent(_rng: random.Random, text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def percent_some(rng: random.Random, text: str) -> str:
    return "".join(
        "".join(f"%{byte:02x}" for byte in char.encode()) if rng.random() < 0.4 else char
        for char in text
    )


def json_escape(rng: random.Random, text: str) -> str:
    units = text.encode("utf-16-be").hex()
    pieces = [f"\\u{units[n : n + 4]}" for n in range(0, len(units), 4)]
    return "".join(
        char if len(pieces) == len(text) and ord(char) < 0xFFFF and rng.random() < 0.3 else piece
        for char, piece in zip(text.ljust(len(pieces)), pieces, strict=True)
    )


def full_width(_rng: random.Random, text: str) -> str:
    return "".join(
        chr(ord(char) + 0xFEE0) if char.isascii() and char.isalnum() else char for char in text
    )


def separated(rng: random.Random, text: str) -> str:
    """A separator at a random place or two of a number; an address has none."""
    if not text.isalnum():
        return text
    separator = rng.choice((" ", "-", ".", "\u00a0", " - ", "\u3000", "\u2013"))
    if separator != ".":
        places = sorted(rng.sample(range(1, len(text)), rng.choice((1, 2, 3))))
    else:
        places = [3, 7]
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    return separator.join(pieces)


def grouped(rng: random.Random, text: str) -> str:
    """As people group it: 3-4-4, 4-4-4-4, 6-8-4."""
    sizes = {11: (3, 4, 4), 16: (4, 4, 4, 4), 18: (6, 8, 4)}.get(len(text))
    if sizes is None or not text.isalnum():
        return text
    separator, at, pieces = rng.choice(" -.\u00a0"), 0, []
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    return separator.join(pieces)


def plain(_rng: random.Random, text: str) -> str:
    return text


DISGUISES: tuple[Disguise, ...] = (
    plain, percent, percent_some, json_escape, full_width, separated, grouped,
)  # fmt: skip


def disguise(rng: random.Random, value: str, depth: int) -> str:
    """`value` under up to `depth` disguises; separators and widths first, escapes outside."""
    chosen = sorted(rng.sample(range(len(DISGUISES)), depth), key=lambda n: n in (1, 2, 3))
    for n in chosen:
        value = DISGUISES[n](rng, value)
    return value


def _get(target: bytes, *headers: tuple[bytes, bytes]) -> tuple[RequestHead, bytes | None]:
    return RequestHead(
        method="GET", target=target, host="shop.example",
        headers=((b"Host", b"shop.example"), (b"Accept", b"*/*"), *headers), has_body=False,
    ), None  # fmt: skip


def _post(body: bytes, *headers: tuple[bytes, bytes]) -> tuple[RequestHead, bytes | None]:
    return RequestHead(
        method="POST", target=b"/clicks", host="shop.example",
        headers=((b"Host", b"shop.example"), *headers), has_body=True, content_length=len(body),
    ), body  # fmt: skip


_JSON = (b"Content-Type", b"application/json")
_FORM = (b"Content-Type", b"application/x-www-form-urlencoded")


def _deflate(data: bytes) -> bytes:
    return zlib.compress(data)


def places(text: str) -> dict[str, tuple[RequestHead, bytes | None]]:
    """Requests on public routes with `text` in each place that can carry it."""
    raw = text.encode()
    escaped = quote(text, safe="").encode()
    document = b'{"event_id":"e-1","note":"' + raw + b'","n":1}'
    packed, deflated = gzip.compress(document), _deflate(document)
    return {
        "path": _get(b"/ads/" + escaped),
        "query_value": _get(b"/ads?slot=1&p=" + escaped + b"&q=2"),
        "query_name": _get(b"/ads?" + escaped + b"=1"),
        "raw_target": _get(b"/ads?p=" + raw),
        "header": _get(b"/ads", (b"Referer", b"https://x.example/?p=" + raw + b"&b=1")),
        "agent": _get(b"/ads", (b"User-Agent", b"app/1.0 (" + raw + b")")),
        "header_name": _get(b"/ads", (b"X-" + raw, b"1")),
        "cookie": _get(b"/ads", (b"Cookie", b"ab=a; user=" + raw + b"; c=1")),
        "json": _post(document, _JSON),
        "json_ascii": _post(json.dumps({"note": text}).encode(), _JSON),
        "form": _post(b"event_id=1&note=" + escaped, _FORM),
        "text": _post(raw),
        "gzip": _post(packed, _JSON, (b"Content-Encoding", b"gzip")),
        "deflate": _post(deflated, _JSON, (b"Content-Encoding", b"deflate")),
        "multipart": _post(
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + raw + b"\r\n--x--\r\n",
            (b"Content-Type", b"multipart/form-data; boundary=x"),
        ),
    }
