"""Twin of chaos/schedule/cron.py."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.schedule.cron import CronError, parse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment", "fits"),
    [
        ("* * * * *", "2026-11-25 10:31", True),
        ("30 10 * * *", "2026-11-25 10:30", True),
        ("30 10 * * *", "2026-11-25 10:31", False),
        ("*/15 9-17 * * mon-fri", "2026-11-25 16:45", True),
        ("*/15 9-17 * * mon-fri", "2026-11-29 16:45", False),
        ("0 0 1,15 * *", "2026-11-15 00:00", True),
        ("0 0 13 * fri", "2026-11-13 00:00", True),
        ("0 0 13 * fri", "2026-11-20 00:00", True),
        ("0 0 13 * fri", "2026-11-21 00:00", False),
        ("0 0 * * 7", "2026-11-29 00:00", True),
        ("5/20 * * * *", "2026-11-25 10:45", True),
    ],
)
def test_a_minute_fits_or_does_not(
    text: str,
    moment: str,
    fits: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Numbers, ranges, lists, steps, names; a day and a weekday together mean either."""
    assert parse(text).fits(at(moment)) is fits


@pytest.mark.parametrize(
    "text", ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "5-1 * * * *", "* * * * fry", "*/0 * * * *", "٣ * * * *"]
)  # fmt: skip
def test_what_is_no_expression_is_said(text: str) -> None:
    """The error has what stands there."""
    with pytest.raises(CronError):
        parse(text)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_last_fitting_minute_is_the_last(now: datetime) -> None:
    """It fits, is not later than now, and no minute of the next hours after it fits."""
    cron = parse("17 */3 * * mon-sat")
    last = cron.last(now)
    assert last is not None
    assert last <= now
    assert cron.fits(last)
    step = last + timedelta(minutes=1)
    while step <= now:
        assert not cron.fits(step)
        step += timedelta(minutes=1)


def test_an_expression_that_never_fits_has_no_last() -> None:
    """The thirtieth of February."""
    assert parse("0 0 30 2 *").last(at("2026-11-25 10:00")) is None
