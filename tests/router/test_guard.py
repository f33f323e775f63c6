"""The last look: finds what the scan should have found, and nothing that is clean."""

import gzip
import json
import random
import urllib.parse
import uuid

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.detect import Scanner
from policy.model import Policy
from router.guard import DETECTORS, INFLATED_BYTES_MAX, Guard
from tests.router.identifiers import MAKERS
from tests.router.world import PUBLIC, policy

HEAD = (
    b"POST /clicks?slot=top HTTP/1.1\r\nHost: 127.0.2.20:31337\r\nUser-Agent: Mozilla/5.0 (X11; Linux)\r\n"
    b"Isthmus-Beacon: b-abcdefghijklmnopqrstuvwx\r\n"
    b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
    b"X-Forwarded-For: 127.0.2.115\r\nForwarded: for=127.0.2.115;host=h;proto=http\r\n"
    b"Content-Length: 61234\r\n\r\n"
)
GUARD = Guard(DETECTORS)


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in text)


def percent(text: str) -> str:
    return "".join(f"%{ord(char):02X}" for char in text)


def wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in text)


VIEWS = {
    "raw": str.encode,
    "json": lambda text: json.dumps({"note": f"call {text} now"}).encode(),
    "json escape": lambda text: f'{{"note":"{escaped(text)}"}}'.encode(),
    "percent": lambda text: f"a=1&note={percent(text)}&b=2".encode(),
    "percent twice": lambda text: urllib.parse.quote(percent(text)).encode(),
    "full width": lambda text: wide(text).encode(),
    "percent of full width": lambda text: urllib.parse.quote(wide(text)).encode(),
    "gzip": lambda text: gzip.compress(f"note={text}".encode()),
    "gzip of json escape": lambda text: gzip.compress(escaped(text).encode()),
    "underscores": lambda text: f"user_{text}_x".encode(),
    "after a json line feed": lambda text: f'{{"n":"a\\n{text}"}}'.encode(),
}


@pytest.mark.parametrize("view", sorted(VIEWS))
@pytest.mark.parametrize("detector", sorted(DETECTORS))
def test_every_identifier_is_found_in_every_view(detector: str, view: str) -> None:
    """Twenty generated identifiers of each kind are stopped however they are written."""
    rng = random.Random(f"{detector}/{view}")
    for _ in range(20):
        outgoing = HEAD + VIEWS[view](MAKERS[detector](rng))
        assert GUARD.find(outgoing) == detector


@pytest.mark.parametrize(
    ("detector", "cuts"),
    [("cn-mobile", (3, 7)), ("bank-card", (4, 8, 12)), ("cn-resident-id", (6, 14))],
)
@pytest.mark.parametrize("separator", [" ", "-"])
def test_the_usual_digit_groups_are_one_number(detector: str, cuts, separator: str) -> None:
    """Numbers in the groups people write them in are found."""
    number = MAKERS[detector](random.Random(1))
    parts = [number[a:b] for a, b in zip((0, *cuts), (*cuts, None), strict=True)]
    assert GUARD.find(HEAD + b"note: " + separator.join(parts).encode()) == detector


def test_an_identifier_in_the_head_is_found_too() -> None:
    """Target, header value and cookie are part of the bytes that are looked at."""
    number = MAKERS["cn-mobile"](random.Random(2)).encode()
    assert GUARD.find(HEAD.replace(b"slot=top", b"slot=" + number)) == "cn-mobile"
    assert GUARD.find(HEAD.replace(b"Linux", number)) == "cn-mobile"
    assert GUARD.find(HEAD[:-2] + b"Cookie: ab=" + number + b"\r\n\r\n") == "cn-mobile"


def clean_body(rng: random.Random) -> bytes:
    event = {
        "event_id": str(uuid.UUID(int=rng.getrandbits(128))),
        "hex": f"{rng.getrandbits(64):016x}",
        "ad": f"ad-{rng.randrange(10**6)}",
        "occurred_ms": 1_700_000_000_000 + rng.randrange(10**11),
        "occurred_us": 1_700_000_000_000_000 + rng.randrange(10**14),
        "price": rng.random() * 1000,
        "asset": "logo@2x.png",
        "text": "50% off \\ 100 % sure",
        "version": "10.0.19041.1415",
        "window": f"2026-11-{rng.randrange(10, 29)} 12:{rng.randrange(10, 60)}:07.123456",
    }
    return json.dumps(event).encode()


def test_ten_thousand_clean_requests_pass() -> None:
    """Epochs, UUIDs, hex ids, floats, versions, asset names and trace headers stop nothing."""
    rng = random.Random(7)
    for _ in range(10_000):
        trace = f"00-{rng.getrandbits(128):032x}-{rng.getrandbits(64):016x}-01".encode()
        head = HEAD.replace(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", trace)
        outgoing = head + clean_body(rng)
        assert GUARD.find(outgoing) == ""


def enabled(*detectors: str) -> Policy:
    return msgspec.structs.replace(policy({"p": frozenset({PUBLIC})}), detectors=detectors)


PIECES = st.one_of(
    st.text("0123456789", min_size=1, max_size=20),
    st.text(" -.+_:/@%\\uxX", min_size=1, max_size=3),
    st.text("abcdefg0123456789-", min_size=1, max_size=36),
    st.builds(
        lambda seed, name: MAKERS[name](random.Random(seed)),
        st.integers(0, 99),
        st.sampled_from(sorted(MAKERS)),
    ),
    st.sampled_from(["0.", "v1.", "12:30:", "+86", "86 ", "\\u0031", "%31", "１"]),
)
SCANNER = Scanner(enabled(*sorted(DETECTORS)))


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=12))
def test_the_guard_is_narrower_than_the_scan(pieces) -> None:
    """What the guard would stop, the scan would have raised: no clean request is ever blocked."""
    text = "".join(pieces).encode()
    if GUARD.find(text) in DETECTORS:
        try:
            found = SCANNER.find(text)
        except Exception:  # noqa: BLE001 - unreadable is sensitive as well
            return
        assert found is not None, text


def test_only_enabled_detectors_are_looked_for() -> None:
    """A detector that the policy does not enable blocks nothing."""
    address = HEAD + MAKERS["email"](random.Random(3)).encode()
    assert Guard(DETECTORS - {"email"}).find(address) == ""


def test_a_body_that_cannot_be_vouched_for_is_stopped() -> None:
    """Beyond the bound, or broken right after the head, gzip does not leave."""
    bomb = gzip.compress(bytes(INFLATED_BYTES_MAX + 1))
    assert GUARD.find(HEAD + bomb) == "undecodable"
    assert GUARD.find(HEAD + b"\x1f\x8b\x08" + bytes(30)) == "undecodable"


@given(st.binary(max_size=300))
def test_it_answers_for_any_bytes(data: bytes) -> None:
    """Total: whatever the bytes, an answer from the closed set."""
    assert GUARD.find(data) in DETECTORS | {"", "undecodable"}
