"""The exact bytes of a planned request: HTTP/1.1, one template per action, canaries where the plan put them.

Pure. Clean parts hold no long digit run but the click's epoch, so only canaries can raise a public request.
"""

import hashlib

import msgspec

from loadtest.canary import Planting, clean_phone, escape_all, gzip_around, letters, percent
from loadtest.plan import PlannedRequest

AD_BYTES = (256, 512, 1024, 2048)
"""Sizes of the ads asked for, in turn."""
SLOTS = ("home", "search", "cart", "feed")
CAMPAIGNS = ("spring", "double-eleven", "clearance")

_JSON = b"Content-Type: application/json\r\n"
_FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


class OrderBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer orders; `phone` and `address` are a person's."""

    sku: str
    quantity: int
    amount: int
    phone: str
    address: str


class ProfileBody(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's profile."""

    phone: str
    address: str


def render(request: PlannedRequest, *, host: bytes, wall_ms: int, key: str = "") -> bytes:
    """The request as it leaves; `key` replaces the planned one when an order conflict is sent."""
    match request.action:
        case "ads":
            return _ads(request, host)
        case "click":
            return _click(request, host=host, wall_ms=wall_ms)
        case "order" | "order_conflict":
            headers = _JSON + b"Idempotency-Key: " + (key or request.identity).encode() + b"\r\n"
            return _with_body("POST /orders", host, headers=headers, body=order_body(request))
        case "profile_put":
            target = f"PUT /profiles/{request.identity}"
            return _with_body(target, host, headers=_JSON, body=profile_body(request))
        case "profile_get":
            return _head(f"GET /profiles/{request.identity}", host) + b"\r\n"


def order_body(request: PlannedRequest) -> bytes:
    """The JSON body of an order; the same for every attempt, its digest names it in the history."""
    phone, address = _person(request)
    return msgspec.json.encode(
        OrderBody(
            sku=f"sku-{letters(request.n % 500, 3)}",
            quantity=1 + request.n % 3,
            amount=500 + request.n % 9000,
            phone=phone,
            address=address,
        )
    )


def profile_body(request: PlannedRequest) -> bytes:
    """The JSON body of a profile."""
    phone, address = _person(request)
    return msgspec.json.encode(ProfileBody(phone=phone, address=address))


def body_sha(body: bytes) -> str:
    """The digest (SHA-256, hex) of a body's bytes as sent."""
    return hashlib.sha256(body).hexdigest()


def _person(request: PlannedRequest) -> tuple[str, str]:
    planted = request.planting
    phone, address = clean_phone(request.n), f"{1 + request.n % 99} Lakeside Road"
    if planted is None:
        return phone, address
    if planted.detector == "cn-mobile":
        return planted.text, address
    return phone, f"{address}, {planted.text}"


def _head(start: str, host: bytes) -> bytes:
    return start.encode() + b" HTTP/1.1\r\nHost: " + host + b"\r\nUser-Agent: isthmus-loadtest\r\n"


def _beacon(request: PlannedRequest) -> bytes:
    return f"Isthmus-Beacon: {request.beacon}\r\n".encode() if request.beacon else b""


def _with_body(start: str, host: bytes, *, headers: bytes, body: bytes) -> bytes:
    return _head(start, host) + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _ads(request: PlannedRequest, host: bytes) -> bytes:
    n = request.n
    planted = request.planting
    target = f"/ads?slot={SLOTS[n % len(SLOTS)]}&size={AD_BYTES[n % len(AD_BYTES)]}"
    if planted is None:
        return _head(f"GET {target}", host) + _beacon(request) + b"\r\n"
    headers = b""
    match planted.place:
        case "path":
            target = f"/ads/{planted.text}"
        case "header":
            headers = f"X-User-Phone: {planted.text}\r\n".encode()
        case "cookie":
            names = "uid=none; ab" if planted.spelling == "cookie_listed" else "ab=b; uid"
            headers = f"Cookie: {names}={planted.text}\r\n".encode()
        case _:
            target += f"&phone={percent(planted.text)}"
    return _head(f"GET {target}", host) + headers + b"\r\n"


def _click(request: PlannedRequest, *, host: bytes, wall_ms: int) -> bytes:
    n = request.n
    ad, campaign = f"ad-{letters(n % 400, 2)}", CAMPAIGNS[n % len(CAMPAIGNS)]
    planted = request.planting
    start = "POST /clicks"
    if planted is not None and planted.place == "form":
        body = (
            f"event_id={request.identity}&ad={ad}&campaign={campaign}"
            f"&occurred_ms={wall_ms}&note={percent(planted.text)}"
        ).encode()
        return _with_body(start, host, headers=_FORM, body=body)
    before = (
        f'{{"event_id":"{request.identity}","ad":"{ad}","campaign":"{campaign}","occurred_ms":{wall_ms}'
    ).encode()
    if planted is None:
        return _with_body(start, host, headers=_JSON + _beacon(request), body=before + b"}")
    if planted.place == "gzip":
        packed, _ = gzip_around(before + b',"note":"call ', planted.text.encode(), b'"}')
        return _with_body(start, host, headers=_JSON + b"Content-Encoding: gzip\r\n", body=packed)
    if planted.spelling == "query":
        start = f"POST /clicks?contact={percent(planted.text)}"
        return _with_body(start, host, headers=_JSON, body=before + b"}")
    return _with_body(
        start, host, headers=_JSON, body=before + b',"note":"' + _note(planted) + b'"}'
    )


def _note(planted: Planting) -> bytes:
    match planted.spelling:
        case "escapes":
            return b"call " + escape_all(planted.text).encode()
        case "nested":
            return rb"{\"contact\":{\"tel\":\"" + planted.text.encode() + rb"\"}}"
        case _:
            return b"call " + planted.text.encode()
