"""A moment as people write it: RFC 3339 with its offset, or wall clock time in an IANA zone.

Where clocks go forward some wall clock times do not exist, where they go back some happen twice: both are refused
with what to write instead, since guessing moves a sale by an hour. Zones come from the `tzdata` package where the
system has none.
"""

import re
import zoneinfo
from datetime import UTC, datetime, timedelta

WRITTEN = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(\.\d+)?\s*(Z|z|[+-]\d{2}:\d{2})?"
)
EXPECTED = "a time such as 2026-11-11T00:00:00+08:00, or 2026-11-11 00:00 with a timeZone"


class WallClockError(ValueError):
    """A time that is none; says what was expected and how to mend it."""

    def __init__(self, message: str, *, expected: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.expected, self.fix = message, expected, fix


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """The zone of an IANA name. Raises WallClockError."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WallClockError(
            f'"{name}" is no time zone', expected="an IANA name such as Asia/Shanghai",
            fix="correct the name; abbreviations such as CST mean different things in different places",
        ) from error  # fmt: skip


def moment_of(text: str, zone: str | None) -> datetime:
    """The moment that `text` means, in the zone if one is given. Raises WallClockError."""
    found = WRITTEN.fullmatch(text.strip())
    if found is None:
        raise WallClockError(f'"{text}" is no time', expected=EXPECTED, fix="write date and time")
    day, clock, _, offset = found.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{clock}")
    except ValueError as error:
        raise WallClockError(
            f'"{text}" is on no calendar', expected=EXPECTED, fix="correct the day or the hour"
        ) from error
    if offset is not None:
        return _with_offset(local, offset.upper(), zone)
    if zone is None:
        raise WallClockError(
            f'"{text}" says no offset', expected=EXPECTED,
            fix="add an offset such as +08:00, or a timeZone such as Asia/Shanghai",
        )  # fmt: skip
    return _in_zone(local, zone_of(zone), zone)


def _with_offset(local: datetime, offset: str, zone: str | None) -> datetime:
    at = datetime.fromisoformat(f"{local.isoformat()}{'+00:00' if offset == 'Z' else offset}")
    if zone is None or zone == "UTC":
        return at
    there = at.astimezone(zone_of(zone))
    if there.utcoffset() != at.utcoffset():
        raise WallClockError(
            f"the offset {offset} is not that of {zone} at that time",
            expected=f"the offset {_offset(there)}",
            fix=f"write {there.replace(tzinfo=None).isoformat()}{_offset(there)} if you mean that "
            f"moment, or {_in_zone(local, zone_of(zone), zone).isoformat()} for that wall clock time",
        )  # fmt: skip
    return at


def _in_zone(local: datetime, zone: zoneinfo.ZoneInfo, name: str) -> datetime:
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    if not _exists(first) and not _exists(second):
        after = first.astimezone(UTC).astimezone(zone)
        raise WallClockError(
            f"{local} does not exist in {name}: clocks go forward over it",
            expected="a time that exists", fix=f"write {after.isoformat()}",
        )  # fmt: skip
    raise WallClockError(
        f"{local} happens twice in {name}: clocks go back over it", expected="one of the two",
        fix=f"write {first.isoformat()} for the first, {second.isoformat()} for the second",
    )  # fmt: skip


def _exists(at: datetime) -> bool:
    back = at.astimezone(UTC).astimezone(at.tzinfo)
    return back.replace(tzinfo=None, fold=0) == at.replace(tzinfo=None, fold=0)


def _offset(at: datetime) -> str:
    shift = at.utcoffset() or timedelta(0)
    minutes = round(shift.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
