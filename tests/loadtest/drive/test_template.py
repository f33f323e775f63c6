"""Templates as bytes: constants put together once, places filled per request."""

import h11
import pytest

from contracts.drive import RequestTemplate
from loadtest.drive.template import Moment, compile_template, places, texts

COLUMNS = {"users": {"id": 0, "name": 1}, "slots": {}}
MOMENT = Moment(
    n=7, key="k-a", beacon="b-x", canary=3, epoch_ms=99,
    rows={"users": (b"u1", "Zoë".encode()), "slots": (b"home",)},
)  # fmt: skip


def compiled(**changes):
    template = RequestTemplate(**{"name": "ads", "target": "web", "path": "/ads", **changes})
    return compile_template(
        template, "h:1", columns=COLUMNS, canaries={"email": (b"c0", b"c1"), "cn-mobile": (b"m",)}
    )


def parsed(data: bytes):
    """The request as an independent implementation reads it."""
    connection = h11.Connection(our_role=h11.SERVER)
    connection.receive_data(data)
    request = connection.next_event()
    body = b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert connection.trailing_data == (b"", False)
    return request.method, request.target, dict(request.headers), body


def test_a_template_without_places_is_one_constant():
    """Nothing is put together per request."""
    one = compiled(headers={"Accept": "*/*"})
    assert one.constant == one.render(MOMENT)
    assert parsed(one.constant) == (b"GET", b"/ads", {b"host": b"h:1", b"accept": b"*/*"}, b"")


def test_every_place_is_filled_with_its_own():
    """Feeds by column, the key, number, clock and beacon; the length is that of the bytes."""
    one = compiled(
        method="POST", path="/o/${users.id}?s=${slots}&n=${n}", body='{"n":"${users.name}","t":${epoch_ms}}',
        headers={"Idempotency-Key": "${key}", "Isthmus-Beacon": "${beacon}"},
    )  # fmt: skip
    method, target, headers, body = parsed(one.render(MOMENT))
    assert (method, target) == (b"POST", b"/o/u1?s=home&n=7")
    assert (headers[b"idempotency-key"], headers[b"isthmus-beacon"]) == (b"k-a", b"b-x")
    assert body == '{"n":"Zoë","t":99}'.encode() == one.render_body(MOMENT)
    assert headers[b"content-length"] == b"%d" % len(body)
    assert one.constant == b""
    assert one.feeds == {"users", "slots"}
    assert one.own == {"key", "n", "beacon", "epoch_ms"}


def test_canaries_are_planted_in_turn():
    """The index goes round the values, and the template knows its detectors in order."""
    one = compiled(path="/ads?a=${canary.email}&b=${canary.cn-mobile}")
    assert parsed(one.render(MOMENT))[1] == b"/ads?a=c1&b=m"
    assert one.canaries == ("email", "cn-mobile")


@pytest.mark.parametrize("path", ["/x", "/x?n=${n}"])
def test_a_post_without_a_body_says_so(path):
    """A server would wait for a length that never comes."""
    one = compiled(method="POST", path=path)
    assert parsed(one.render(MOMENT))[2][b"content-length"] == b"0"


def test_a_fixed_body_behind_a_changing_head_keeps_its_length():
    """Only one of the two parts changes."""
    one = compiled(method="PUT", path="/p/${n}", body="fixed")
    assert parsed(one.render(MOMENT))[3] == b"fixed"


def test_places_and_texts_of_a_template():
    """All texts that may have places, each with its path in the plan."""
    template = RequestTemplate(
        name="a", target="t", path="/${n}", headers={"X": "${key}"}, body="${a.b} ${c}"
    )
    assert [(path, places(text)) for path, text in texts(template)] == [
        ("path", ["n"]), ("headers.X", ["key"]), ("body", ["a.b", "c"]),
    ]  # fmt: skip
