import pytest

from loadtest.history import OrderAttempt, OrderHistory, order_id_of


class Written:
    def __init__(self):
        self.rows = []

    def write(self, row):
        self.rows.append(row)


def history():
    written = Written()
    return written, OrderHistory(written, mono_ns=lambda: 7, wall_ns=lambda: 9_000_000)


ORDER = OrderAttempt("k", 2, "sha")


def test_an_invocation_is_written_with_key_attempt_and_digest():
    """Before an attempt leaves, the history says which."""
    written, orders = history()
    orders.invoke(ORDER)
    event = written.rows[0]
    assert (event.kind, event.key, event.attempt, event.body_sha) == ("invoke", "k", 2, "sha")
    assert (event.mono_ns, event.wall_ms) == (7, 9)


@pytest.mark.parametrize(
    ("status", "failure", "kind", "order_id"),
    [
        (201, "", "ok", "o1"),
        (422, "", "fail", ""),
        (502, "", "info", ""),
        (0, "timeout", "info", ""),
        (0, "refused", "fail", ""),
    ],
)
def test_a_completion_says_what_the_answer_proved(status, failure, kind, order_id):
    """Only an acknowledgement carries the order id it named."""
    written, orders = history()
    orders.answer(ORDER, status=status, body=b'{"order_id":"o1"}', failure=failure)
    event = written.rows[0]
    assert (event.kind, event.order_id, event.status) == (kind, order_id, status)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"order_id":"o1","more":1}', "o1"), (b"{}", ""), (b"", ""), (b"[1]", ""), (b"\xff", ""),
        (b'{"order_id":5}', ""),
    ],
)  # fmt: skip
def test_an_order_id_is_read_or_missing(body, found):
    """Whatever the body is, the id is a string or empty."""
    assert order_id_of(body) == found


@pytest.mark.parametrize(("status", "kind"), [(202, "ok"), (201, "fail"), (500, "info")])
def test_what_acknowledges_an_order_can_be_said(status, kind):
    """A service of another tenant may answer otherwise."""
    written = Written()
    orders = OrderHistory(written, mono_ns=lambda: 7, wall_ns=lambda: 9, expected=frozenset({202}))
    orders.answer(ORDER, status=status, body=b'{"order_id":"o"}', failure="")
    assert written.rows[0].kind == kind
