"""Dead letters carry where they came from; sizes are never underestimated."""

from hypothesis import given
from hypothesis import strategies as st

from sync.envelope import Origin, dead_letter_headers, record_bytes

ORIGIN = Origin(
    topic="clicks", partition=3, offset=17, timestamp_ms=5, reason="oversize", policy="digest"
)


def test_own_headers_stay_in_front() -> None:
    """The record's headers keep order, duplicates and absent values; coordinates follow."""
    own = [("a", b"1"), ("a", None)]
    found = dead_letter_headers(own, ORIGIN)
    assert found[:2] == own
    assert dict(found[2:]) == {
        "isthmus-dlq-topic": b"clicks",
        "isthmus-dlq-partition": b"3",
        "isthmus-dlq-offset": b"17",
        "isthmus-dlq-timestamp-ms": b"5",
        "isthmus-dlq-reason": b"oversize",
        "isthmus-dlq-policy": b"digest",
    }


def test_no_headers_is_no_obstacle() -> None:
    """A record without headers gets the coordinates alone."""
    assert len(dead_letter_headers(None, ORIGIN)) == 6


@given(st.binary(), st.binary(), st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary())))
def test_the_size_is_an_upper_bound_of_the_payload(key, value, headers) -> None:
    """Every byte that is sent is counted."""
    payload = len(key) + len(value) + sum(len(n.encode()) + len(v or b"") for n, v in headers)
    assert record_bytes(key=key, value=value, headers=headers) >= payload + 97
    assert record_bytes(key=None, value=None, headers=None) >= 97
