"""Moments as people write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscale.wall_clock import WallClockError, moment_of, zone_of

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-11T00:00:00+08:00", None, "2026-11-10T16:00:00+00:00"),
        ("2026-11-11T00:00:00+08:00", "Asia/Shanghai", "2026-11-10T16:00:00+00:00"),
        ("2026-11-11 00:00", "Asia/Shanghai", "2026-11-10T16:00:00+00:00"),
        ("2026-11-11T00:00:00.5Z", None, "2026-11-11T00:00:00+00:00"),
        ("2026-11-11T00:00:00z", "UTC", "2026-11-11T00:00:00+00:00"),
        ("2026-11-11T05:45:00+05:45", "UTC", "2026-11-11T00:00:00+00:00"),
        ("2026-11-27 00:00", NEW_YORK, "2026-11-27T05:00:00+00:00"),
        ("2026-07-04 00:00", NEW_YORK, "2026-07-04T04:00:00+00:00"),
        ("2026-11-01T01:30:00-04:00", NEW_YORK, "2026-11-01T05:30:00+00:00"),
        ("2026-11-01T01:30:00-05:00", NEW_YORK, "2026-11-01T06:30:00+00:00"),
    ],
)
def test_what_is_meant_is_read(text: str, zone: str | None, expected: str) -> None:
    """With its own offset or in its zone, summer and winter."""
    assert moment_of(text, zone).astimezone(UTC).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "zone", "message", "fix"),
    [
        ("tomorrow", None, "is no time", "date and time"),
        ("2026-02-30 00:00", "UTC", "on no calendar", "the day"),
        ("2026-11-11 25:00", "UTC", "on no calendar", "the hour"),
        ("2026-11-11 00:00", None, "says no offset", "timeZone"),
        ("2026-11-11 00:00", "CST6", "no time zone", "abbreviations"),
        ("2026-11-11 00:00", "../../etc/passwd", "no time zone", "abbreviations"),
        ("2027-03-14 02:30", NEW_YORK, "does not exist", "2027-03-14T03:30:00-04:00"),
        ("2026-11-01 01:30", NEW_YORK, "happens twice", "2026-11-01T01:30:00-05:00 for the second"),
        ("2026-11-27T00:00:00-04:00", NEW_YORK, "not that of", "2026-11-26T23:00:00-05:00"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(
    text: str, zone: str | None, message: str, fix: str
) -> None:
    """Gaps, doubled hours, foreign offsets, no zone at all."""
    with pytest.raises(WallClockError, match=message) as caught:
        moment_of(text, zone)
    assert fix in caught.value.fix


zones = st.sampled_from(
    [NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Shanghai"]
)


@given(st.integers(1_577_836_800, 2_051_222_400), zones)
def test_every_moment_has_a_wall_clock_that_leads_back(at_s: int, zone: str) -> None:
    """Written with its offset, always; without, unless that hour happens twice, which names both."""
    moment = datetime.fromtimestamp(at_s, UTC)
    there = moment.astimezone(zone_of(zone))
    assert moment_of(there.isoformat(), zone) == moment
    local = there.replace(tzinfo=None, fold=0).isoformat()
    if there.replace(fold=0).utcoffset() == there.replace(fold=1).utcoffset():
        assert moment_of(local, zone) == moment
    else:
        with pytest.raises(WallClockError, match="twice") as caught:
            moment_of(local, zone)
        assert there.isoformat() in caught.value.fix


def test_a_day_in_which_clocks_change_is_not_a_day_long() -> None:
    """The sale that lasts from midnight to midnight lasts 25 hours."""
    first, last = (moment_of(f"2026-11-0{day} 00:00", NEW_YORK) for day in (1, 2))
    assert last.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=25)
