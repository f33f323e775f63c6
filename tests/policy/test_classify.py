"""The verdict: routes, raising, and what must never be public or never be raised."""

import random
from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.classify import Classifier
from policy.model import Body, HeldBody, HoldBody, RequestHead, Sensitivity, UnreadBody, Verdict
from tests.policy import clean_corpus
from tests.policy.disguises import disguise, places
from tests.policy.identifiers import MAKERS, mobile
from tests.policy.samples import demo_policy, get, post

CLASSIFIER = Classifier(demo_policy())
BLIND = Classifier(demo_policy(), scan=False)
seeds = st.integers(0, 2**32).map(random.Random)
JSON = (b"Content-Type", b"application/json")


def judge(
    head: RequestHead, body: bytes | Body | None = None, *, by: Classifier = CLASSIFIER
) -> Verdict:
    verdict = by.head(head)
    if isinstance(verdict, HoldBody):
        held = HeldBody(data=body) if isinstance(body, bytes) else body
        assert held is not None
        return by.body(verdict, head, held)
    return verdict


def why(verdict: Verdict) -> list[str]:
    return [str(reason) for reason in verdict.reasons]


def test_clean_requests_on_public_routes_are_public() -> None:
    """A candidate that nothing speaks against is public and says which route."""
    verdict = judge(get(b"/ads?slot=home-1"))
    assert (verdict.sensitivity, verdict.traffic_class) == (Sensitivity.PUBLIC, "public")
    assert verdict.route is not None
    assert verdict.route.service == "ads"
    assert why(verdict) == ["route:ads"]
    assert judge(post(b'{"event_id":"e"}', JSON), b'{"event_id":"e"}').traffic_class == "public"


def test_sensitive_routes_are_sensitive_without_a_scan() -> None:
    """Their bodies need not be held."""
    verdict = judge(post(b"{}", target=b"/orders"))
    assert (verdict.traffic_class, why(verdict)) == ("sensitive", ["route:orders"])


def test_no_route_is_sensitive_and_goes_nowhere() -> None:
    """Unknown is sensitive, and there is no service to send it to."""
    for head in (get(b"/"), get(b"/adsx"), post(b"{}", target=b"/ads"), get(b"*")):
        verdict = judge(head)
        assert (verdict.sensitivity, verdict.route) == (Sensitivity.SENSITIVE, None)
        assert why(verdict) == ["no_route"]


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (get(b"/ads/../orders/1"), "not_normal:dot_segment:target"),
        (get(b"/ads/%2541"), "not_normal:double_encoding:target"),
        (get(b"http://shop.example/ads"), "not_normal:form:target"),
        (get(b"/ads", (b"Authorization", b"x")), "credentials:authorization:header"),
        (get(b"/ads", (b"Upgrade", b"websocket")), "upgrade:upgrade:header"),
        (get(b"/ads", (b"X", b"\xb1\xea")), "unreadable:charset:header"),
    ],
)
def test_doubt_raises_and_keeps_the_service(head: RequestHead, reason: str) -> None:
    """A raised request still has its route, so a private site can serve it."""
    verdict = judge(head)
    assert (verdict.traffic_class, why(verdict)) == ("raised", [reason])
    assert verdict.route is not None


@pytest.mark.parametrize("where", ["path", "query", "header", "cookie", "header_name", "body"])
def test_reasons_name_detector_and_place_never_the_value(where: str) -> None:
    """The place is the first that shows it, the value appears nowhere in the verdict."""
    value = mobile(random.Random(1))
    found = places(value)
    name = {"query": "query_value", "body": "json"}.get(where, where)
    verdict = judge(*found[name])
    assert why(verdict) == [f"detector:cn-mobile:{where}"]
    assert value not in repr(verdict)


@settings(max_examples=300, deadline=None)
@given(seeds, st.sampled_from(sorted(MAKERS)), st.integers(1, 3))
def test_no_identifier_in_any_place_or_disguise_is_public(
    rng: random.Random, kind: str, depth: int
) -> None:
    """Promise 1 at the point of decision."""
    hidden = disguise(rng, MAKERS[kind](rng), depth)
    for place, (head, body) in places(hidden).items():
        assert judge(head, body).sensitivity is Sensitivity.SENSITIVE, place


def test_without_the_scan_the_same_identifiers_pass() -> None:
    """The control: it is the scan that raises them, nothing else in the request."""
    passed = Counter(
        judge(head, body, by=BLIND).traffic_class
        for head, body in places(mobile(random.Random(1))).values()
    )
    assert passed == {"public": len(places("x"))}


def test_without_the_scan_routes_and_normal_form_still_hold() -> None:
    """The control switches off detectors only."""
    assert judge(get(b"/ads/../x"), by=BLIND).traffic_class == "raised"
    assert judge(get(b"/ads", (b"Authorization", b"x")), by=BLIND).traffic_class == "raised"
    assert judge(get(b"/orders/1"), by=BLIND).traffic_class == "sensitive"
    assert judge(post(b"{}"), UnreadBody(why="late"), by=BLIND).traffic_class == "raised"


def test_clean_traffic_is_not_raised() -> None:
    """Not one of 24,000 ordinary ad and click requests: agents, trace ids, times, ETags, beacons."""
    rng = random.Random(4711)
    raised = [
        (why(verdict), head.target, body)
        for head, body in (
            *((head, None) for head in clean_corpus.get_requests(rng, 12_000)),
            *clean_corpus.post_requests(rng, 12_000),
        )
        if (verdict := judge(head, body)).traffic_class != "public"
    ]
    assert raised == []


@pytest.mark.parametrize("unread", ["oversize", "late", "broken"])
def test_a_body_that_was_not_read_raises(unread: str) -> None:
    """What nobody saw may hold anything."""
    body = msgspec.convert({"why": unread}, UnreadBody)
    assert why(judge(post(b"{}", JSON), body)) == [f"body_unread:{unread}:body"]


def test_a_body_must_be_what_was_announced() -> None:
    """Longer than the bound or other than its length is not the body that was judged."""
    long = b'"' + b"a" * 65536 + b'"'
    chunked = RequestHead(
        method="POST", target=b"/clicks", host="a", headers=(), has_body=True, content_length=None
    )
    assert why(judge(chunked, long)) == ["body_unread:oversize:body"]
    assert why(judge(post(b"{}", length=3), b"{}")) == ["body_unread:broken:body"]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ((b"Content-Encoding", b"br"), "unreadable:content_encoding:body"),
        ((b"Content-Encoding", b"gzip"), "unreadable:broken:body"),
        ((b"content-type", b"text/plain; charset=gbk"), "unreadable:charset:body"),
    ],
)
def test_a_body_that_cannot_be_decoded_raises(header: tuple[bytes, bytes], reason: str) -> None:
    """Undecodable is unknown, and unknown is sensitive."""
    assert why(judge(post(b"{}", header), b"{}")) == [reason]


tokens = st.sampled_from(
    [b"Host", b"Cookie", b"Expect", b"Content-Length", b"X-A", b"\x00", b"Upgrade"]
)
heads = st.builds(
    RequestHead,
    method=st.sampled_from(["GET", "POST", "PUT", "", "\ud800"]) | st.text(max_size=5),
    target=st.sampled_from([b"/ads", b"/clicks", b"/orders/1", b"/x"]) | st.binary(max_size=40),
    host=st.sampled_from(["shop.example", ""]) | st.text(st.characters(), max_size=8),
    headers=st.lists(st.tuples(tokens | st.binary(max_size=8), st.binary(max_size=20)), max_size=5).map(tuple),
    has_body=st.booleans(),
    content_length=st.none() | st.integers(0, 100_000),
)  # fmt: skip
bodies = st.builds(HeldBody, data=st.binary(max_size=200)) | st.builds(
    UnreadBody, why=st.sampled_from(["oversize", "late", "broken"])
)


@settings(deadline=None)
@given(heads, bodies)
def test_any_request_gets_a_verdict(head: RequestHead, body: Body) -> None:
    """Total on arbitrary bytes: never an exception, and public only on a public route."""
    verdict = judge(head, body)
    assert verdict.reasons
    if verdict.sensitivity is Sensitivity.PUBLIC:
        assert verdict.route is not None
        assert verdict.route.sensitivity is Sensitivity.PUBLIC
        assert verdict.traffic_class == "public"
    assert (verdict.traffic_class == "public") is (verdict.sensitivity is Sensitivity.PUBLIC)


@settings(deadline=None)
@given(heads, st.binary(max_size=20), bodies)
def test_more_bytes_never_lower_a_class(head: RequestHead, value: bytes, body: Body) -> None:
    """A request that is not public does not become so by one more header."""
    more = msgspec.structs.replace(head, headers=(*head.headers, (b"X-More", value)))
    assert judge(more, body).sensitivity >= judge(head, body).sensitivity


def test_an_error_of_ours_is_sensitive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector that fails opens nothing, and the route is kept for the private site."""
    classifier = Classifier(demo_policy())

    def fail(_text: bytes) -> None:
        raise RuntimeError

    monkeypatch.setattr(classifier._scanner, "find", fail)
    verdict = judge(get(b"/ads"), by=classifier)
    assert (verdict.traffic_class, why(verdict)) == ("raised", ["detector_error"])
    assert verdict.route is not None
    held = HoldBody(route=verdict.route, bytes_max=100, reasons=())
    assert why(classifier.body(held, post(b"{}"), HeldBody(data=b"{}"))) == ["detector_error"]
    monkeypatch.setattr(classifier, "_find_route", fail)
    assert judge(get(b"/ads"), by=classifier).route is None


def test_an_identifier_split_over_two_headers_is_not_joined() -> None:
    """Two numbers in two places are two numbers."""
    head = get(b"/ads", (b"A", b"1990047"), (b"1234", b"5"))
    assert judge(head).traffic_class == "public"
