import json
import random
import re
import zlib

import msgspec
import pytest

from loadtest.canary import PLACES
from loadtest.plan import plan_requests
from loadtest.wire import body_sha, order_body, profile_body, render
from marketing.clicks import Click
from marketing.profiles import Profile
from policy.classify import Classifier
from policy.load import load_policy
from policy.model import HeldBody, HoldBody, RequestHead
from tests.loadtest.doors import plan_for

POLICY = b"""
version: isthmus/v1
sites: {public: {holds: [public]}, private: {holds: [public, sensitive]}}
detectors: {enable: [cn-mobile, cn-resident-id, bank-card, email]}
routes:
  - {id: ads, match: {methods: [GET], paths: ["/ads", "/ads/**"]}, class: public, service: ads, cookies: [ab]}
  - {id: click, match: {methods: [POST], paths: ["/clicks"]}, class: public, service: clicks, inspect: {body: 64KiB}}
  - {id: orders, match: {paths: ["/orders", "/orders/**"]}, class: sensitive, service: orders}
  - {id: profiles, match: {paths: ["/profiles/**"]}, class: sensitive, service: profiles}
"""
PLAN = plan_for(rate=2000, duration_s=10, canary_share=0.4)
REQUESTS = list(plan_requests(PLAN, random.Random(PLAN.seed)))
WALL_MS = 1_700_000_000_123


def sent(request, **more) -> bytes:
    return render(request, host=b"127.0.0.1:1234", wall_ms=WALL_MS, **more)


def body_of(data: bytes) -> bytes:
    head, _, body = data.partition(b"\r\n\r\n")
    return zlib.decompress(body, 31) if b"Content-Encoding: gzip" in head else body


def first(action: str):
    return next(r for r in REQUESTS if r.action == action and (r.expected != "raised"))


@pytest.mark.parametrize("place", PLACES)
def test_each_planted_form_occurs_in_the_bytes_sent(place):
    """Wherever a canary was planted, its form is on the wire exactly as the manifest says."""
    planted = [r for r in REQUESTS if r.planting is not None and r.planting.place == place]
    assert len(planted) > 50
    for request in planted:
        assert request.planting.form in sent(request), request.planting


def test_a_gzip_body_hides_the_value_from_a_plain_search():
    """What is in a gzip body shows only when inflated."""
    for request in REQUESTS:
        if request.planting is not None and request.planting.place == "gzip":
            data = sent(request)
            assert request.planting.value.encode() not in data
            assert request.planting.value.encode() in body_of(data)


def test_bodies_are_what_their_headers_say():
    """Content-Length is exact, and a body is JSON or a form as announced."""
    for request in REQUESTS:
        head, _, body = sent(request).partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        assert (int(length.group(1)) if length else 0) == len(body)
        if b"application/json" in head:
            json.loads(body_of(sent(request)))
        elif b"urlencoded" in head:
            assert body.startswith(b"event_id=")


def test_the_tenant_accepts_what_is_sent():
    """Whatever the canary, a click or profile is the document its service decodes."""
    for request in REQUESTS:
        data = sent(request)
        if request.action == "click" and b"application/json" in data:
            click = msgspec.json.decode(body_of(data), type=Click)
            assert (click.event_id, click.occurred_ms) == (request.identity, WALL_MS)
        elif request.action == "profile_put":
            msgspec.json.decode(body_of(data), type=Profile)


def test_clean_public_requests_hold_no_long_number_but_the_epoch():
    """Separators dropped, a clean public request has no digit run a detector could take for a person's."""
    for request in REQUESTS:
        if request.expected == "public":
            data = sent(request).replace(b"127.0.0.1:1234", b"").replace(b"%d" % WALL_MS, b"")
            joined = re.sub(rb"[ .\-:]", b"", data)
            assert not re.search(rb"\d{9,}", joined)


def test_public_requests_carry_their_beacon():
    """The beacon header is on public requests only."""
    for request in REQUESTS:
        carried = re.findall(rb"Isthmus-Beacon: (b-[a-z]{24})\r\n", sent(request))
        assert carried == ([request.beacon.encode()] if request.expected == "public" else [])


def test_an_order_is_the_same_in_every_attempt():
    """Time moves between attempts, an order's body and key do not."""
    order = first("order")
    again = render(order, host=b"127.0.0.1:1234", wall_ms=WALL_MS + 5000)
    assert sent(order) == again
    assert body_sha(order_body(order)) == body_sha(again.partition(b"\r\n\r\n")[2])


def test_a_conflict_sends_another_body_under_a_known_key():
    """A contradiction keeps the acknowledged key and differs in its body."""
    order, other = [r for r in REQUESTS if r.operation == "order"][:2]
    data = sent(other, key=order.identity)
    assert f"Idempotency-Key: {order.identity}\r\n".encode() in data
    assert order_body(other) != order_body(order)


def test_orders_and_profiles_name_phone_and_address():
    """Each holds a person's phone and address, the canary in one of the two."""
    for request in REQUESTS:
        if request.action in {"order", "profile_put"}:
            body = order_body(request) if request.action == "order" else profile_body(request)
            fields = json.loads(body)
            assert request.planting.value in fields["phone"] + " " + fields["address"]
            assert re.fullmatch(r"\d{11}", fields["phone"])


def judged(classifier: Classifier, data: bytes) -> str:
    head, _, body = data.partition(b"\r\n\r\n")
    start, *lines = head.split(b"\r\n")
    method, target, _ = start.split(b" ")
    headers = tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))
    facts = RequestHead(
        method=method.decode(), target=target, host="127.0.0.1:1234", headers=headers,
        has_body=bool(body), content_length=len(body) or None,
    )  # fmt: skip
    verdict = classifier.head(facts)
    if isinstance(verdict, HoldBody):
        verdict = classifier.body(verdict, facts, HeldBody(data=body))
    return verdict.traffic_class


def test_the_policy_judges_each_request_as_the_plan_expects():
    """Every canary raises its request wherever it hides, and nothing clean is raised."""
    classifier = Classifier(load_policy(POLICY, "policy.yaml"))
    wrong = [
        (request.expected, request.planting)
        for request in REQUESTS
        if judged(classifier, sent(request)) != request.expected
    ]
    assert wrong == []
