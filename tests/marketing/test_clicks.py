"""Twin of marketing/clicks.py; the topic is a stand-in here, real Kafka is in test_kafka.py."""

import gzip
import json
import urllib.parse

import msgspec
import pytest

from contracts.control import ControlRequest
from contracts.events import ClickEvent
from marketing.clicks import BODY_BYTES_MAX, Click, Clicks, event_of
from marketing.kafka import DeliveryError
from tests.marketing.doors import client_of, options_for

CLICK = {"event_id": "e-1", "ad": "ad-7", "campaign": "spring", "occurred_ms": 1_700_000_000_000}


class Recorder:
    """Keeps what was sent, or refuses every delivery."""

    def __init__(self, *, acknowledges: bool = True) -> None:
        self.sent: list[tuple[str, ClickEvent]] = []
        self._acknowledges = acknowledges

    async def send(self, key: str, value: bytes) -> None:
        if not self._acknowledges:
            raise DeliveryError("timed out")
        self.sent.append((key, msgspec.json.decode(value, type=ClickEvent)))


def clicks(topic: Recorder) -> Clicks:
    return Clicks(topic, options_for("clicks"), lambda: 42)


@pytest.mark.parametrize("form", ["json", "form", "gzip"])
async def test_a_click_is_written_whole_and_answered_202(form: str) -> None:
    """JSON, form and gzip bodies give the same record, keyed by the ad."""
    topic = Recorder()
    fields = CLICK | {"note": "left corner & ünïcode"}
    headers = {"Content-Type": "application/json"}
    match form:
        case "json":
            body = json.dumps(fields).encode()
        case "form":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(fields).encode()
        case _:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(json.dumps(fields).encode())
    async with (
        client_of(clicks(topic), options_for("clicks")) as client,
        client.post("/clicks?any=query", data=body, headers=headers) as got,
    ):
        assert got.status == 202
        assert await got.json() == {"event_id": "e-1"}
    expected = event_of(Click(**fields), site="public", node="clicks-1", accepted_ms=42)
    assert topic.sent == [("ad-7", expected)]


async def test_no_acknowledgement_is_503_and_says_when_to_return() -> None:
    """What the broker did not confirm is never answered 202."""
    async with (
        client_of(clicks(Recorder(acknowledges=False)), options_for("clicks")) as client,
        client.post("/clicks", json=CLICK) as got,
    ):
        assert got.status == 503
        assert got.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "application/json"}, 400),
        (json.dumps(CLICK | {"phone": "x"}).encode(), {"Content-Type": "application/json"}, 400),
        (json.dumps(CLICK | {"ad": ""}).encode(), {"Content-Type": "application/json"}, 400),
        (
            json.dumps(CLICK | {"occurred_ms": -1}).encode(),
            {"Content-Type": "application/json"},
            400,
        ),
        (b"text", {"Content-Type": "text/plain"}, 415),
        (b"x", {"Content-Type": "application/json", "Content-Encoding": "br"}, 415),
        (b"x" * (BODY_BYTES_MAX + 1), {"Content-Type": "application/json"}, 413),
        (
            gzip.compress(b" " * (BODY_BYTES_MAX + 1)),
            {"Content-Type": "application/json", "Content-Encoding": "gzip"},
            413,
        ),
    ],
)
async def test_what_is_no_click_is_refused_and_not_written(
    body: bytes, headers: dict[str, str], status: int
) -> None:
    """Malformed, foreign and oversize bodies get their status as a problem document."""
    topic = Recorder()
    async with (
        client_of(clicks(topic), options_for("clicks")) as client,
        client.post(
            "/clicks", data=body, headers=headers, skip_auto_headers=["Content-Type"]
        ) as got,
    ):
        assert got.status == status
        assert got.content_type == "application/problem+json"
    assert topic.sent == []


async def test_the_control_socket_has_no_operations() -> None:
    """Anything but ping is refused with what is expected."""
    reply = await clicks(Recorder()).control(ControlRequest(op="stats"))
    assert not reply.ok
    assert "ping" in reply.error
