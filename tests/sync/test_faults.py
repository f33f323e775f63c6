"""Errors by name: what stops, what is fenced, what is refused, and that all else is indefinite."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.batch import Disposition
from sync.faults import Alarm, ReplicationError, disposition_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_AUTO_OFFSET_RESET", Disposition.STOP),
        ("OFFSET_OUT_OF_RANGE", Disposition.STOP),
        ("_LOG_TRUNCATION", Disposition.STOP),
        ("TOPIC_AUTHORIZATION_FAILED", Disposition.STOP),
        ("_FENCED", Disposition.FENCED),
        ("PRODUCER_FENCED", Disposition.FENCED),
        ("MSG_SIZE_TOO_LARGE", Disposition.REFUSED),
        ("INVALID_RECORD", Disposition.REFUSED),
        ("_TIMED_OUT", Disposition.RENEW),
        ("_TRANSPORT", Disposition.RENEW),
        ("INVALID_TXN_STATE", Disposition.RENEW),
    ],
)
def test_known_errors(name, expected) -> None:
    """Each named error has the disposition the protocol gives it."""
    assert disposition_of(name) is expected


@given(st.text(max_size=20).map(lambda t: "NEW_" + t))
def test_an_unknown_error_is_indefinite(name) -> None:
    """What no table knows leads to a new session, never to a skip or a stop."""
    assert disposition_of(name) is Disposition.RENEW


def test_a_refused_delivery_explains_a_failed_commit() -> None:
    """The commit's own error is vague; the deliveries of its records say that the target refused one."""
    assert disposition_of("_INCONSISTENT", deliveries=["INVALID_RECORD"]) is Disposition.REFUSED
    assert disposition_of("_INCONSISTENT", deliveries=["_MSG_TIMED_OUT"]) is Disposition.RENEW
    assert disposition_of("_FENCED", deliveries=["INVALID_RECORD"]) is Disposition.FENCED


def test_an_alarm_is_raised_once() -> None:
    """The session sees what its watcher saw at the next batch, and only then."""
    alarm = Alarm()
    alarm.raise_seen()
    alarm.see(Disposition.STOP, "topic-recreated")
    with pytest.raises(ReplicationError, match="topic-recreated"):
        alarm.raise_seen()
    alarm.raise_seen()
