"""Cleaning: a click is a row, anything else has a reason and no content in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.clean import EARLY_MS_MAX, LATE_MS_MAX, Reject, Row, clean

NOW_MS = 1_800_000_000_000
CLICK = {
    "schema": 1, "event_id": "e-1", "ad": "ad-1", "campaign": "spring", "site": "public",
    "node": "clicks-1", "accepted_ms": NOW_MS, "occurred_ms": NOW_MS - 5, "note": "",
}  # fmt: skip


def value(**changes) -> bytes:
    return json.dumps(CLICK | changes).encode()


def test_a_click_is_a_row() -> None:
    """Every column is the click's own field."""
    assert clean(value()) == Row(
        event_id="e-1", site="public", ad="ad-1", campaign="spring",
        accepted_ms=NOW_MS, occurred_ms=NOW_MS - 5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "tombstone"),
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"[1]", "malformed"),
        (value(schema="one"), "malformed"),
        (value(surname="Zhang"), "malformed"),
        (value(event_id=""), "malformed: event_id"),
        (value(ad="x" * 513), "malformed: ad"),
        (value(campaign="a\x00b"), "malformed: campaign"),
        (value(accepted_ms=0), "malformed: accepted_ms"),
        (value(occurred_ms=2**63), "malformed"),
        (value(occurred_ms=NOW_MS - LATE_MS_MAX - 1), "late"),
        (value(occurred_ms=NOW_MS + EARLY_MS_MAX + 1), "early"),
    ],
)
def test_what_is_no_row_says_why(record, reason) -> None:
    """Malformed, late, early and deleted records are told apart."""
    found = clean(record)
    assert isinstance(found, Reject)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize("at_ms", [NOW_MS - LATE_MS_MAX, NOW_MS + EARLY_MS_MAX])
def test_the_limits_are_inclusive(at_ms) -> None:
    """Exactly a day late, or five minutes early, is still a row."""
    assert isinstance(clean(value(occurred_ms=at_ms)), Row)


@given(st.binary(max_size=200) | st.text(max_size=50).map(lambda t: value(ad=t)))
def test_any_bytes_end_as_a_row_or_a_reason(record) -> None:
    """No record raises, and what PostgreSQL cannot hold is no row."""
    found = clean(record)
    if isinstance(found, Row):
        assert "\x00" not in found.ad
        found.ad.encode()


def test_a_reason_never_quotes_the_record() -> None:
    """A value with a secret in it is rejected without repeating the secret."""
    found = clean(value(accepted_ms="secret-7731"))
    assert isinstance(found, Reject)
    assert "7731" not in found.reason
