"""Five-field cron expressions, as Kubernetes reads them: does a minute fit, which is the last one that did. Pure."""

from datetime import datetime, timedelta

import msgspec

DAYS = {name: n for n, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
LOOK_BACK = timedelta(days=366)
"""An expression that fits no minute of a year is told, not searched for ever."""


class CronError(ValueError):
    """The expression does not read: the field and what was expected."""


class Cron(msgspec.Struct, frozen=True, kw_only=True):
    """The minutes, hours, days, months and weekdays (0 is Sunday) that fit."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def fits(self, moment: datetime) -> bool:
        """Whether the minute of `moment` fits; with both a day and a weekday given, either is enough."""
        if moment.minute not in self.minutes or moment.hour not in self.hours:
            return False
        return self._fits_day(moment)

    def _fits_day(self, moment: datetime) -> bool:
        if moment.month not in self.months:
            return False
        day, weekday = moment.day in self.days, (moment.isoweekday() % 7) in self.weekdays
        return (day and weekday) if self.any_day or self.any_weekday else (day or weekday)

    def last(self, now: datetime) -> datetime | None:
        """The latest minute up to `now` that fits; None if none of a year does."""
        moment = now.replace(second=0, microsecond=0)
        for _ in range(LOOK_BACK.days):
            if self._fits_day(moment):
                while True:
                    if self.fits(moment):
                        return moment
                    if moment.hour == 0 and moment.minute == 0:
                        break
                    moment -= timedelta(minutes=1)
            moment = moment.replace(hour=23, minute=59) - timedelta(days=1)
        return None


def parse(text: str) -> Cron:
    """`minute hour day month weekday`: numbers, `*`, lists, ranges, steps, weekday names. Raises `CronError`."""
    fields = text.split()
    if len(fields) != 5:
        raise CronError(
            f'"{text}" has {len(fields)} fields; expected minute hour day month weekday'
        )
    minute, hour, day, month, weekday = fields
    weekdays = _field(weekday.lower(), 0, 7, names=DAYS)
    return Cron(
        minutes=_field(minute, 0, 59), hours=_field(hour, 0, 23), days=_field(day, 1, 31),
        months=_field(month, 1, 12), weekdays=frozenset(it % 7 for it in weekdays),
        any_day=day.startswith("*"), any_weekday=weekday.startswith("*"),
    )  # fmt: skip


def _field(
    text: str, least: int, most: int, *, names: dict[str, int] | None = None
) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = _number(step_text or "1", 1, most, names={})
        if span == "*":
            first, last = least, most
        else:
            low, _, high = span.partition("-")
            first = _number(low, least, most, names=names or {})
            last = _number(high, least, most, names=names or {}) if high else first
            last = most if step_text and not high else last
        if first > last:
            raise CronError(f'"{part}" runs backwards; expected the lower number first')
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, least: int, most: int, *, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise CronError(f'"{text}" is not {least} to {most}')
    return int(text)
