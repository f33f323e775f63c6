"""`chaos.yaml`: when chaos is allowed, when a sale forbids it, how much error budget it needs, what runs when."""

from datetime import datetime, time, tzinfo
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from chaos.schedule.cron import CronError, parse
from policy.document import Document, read_document
from policy.problems import PolicyError

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[
    str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", extra_json_schema={"description": 'a time like "09:30"'})
]  # fmt: skip


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file."""


class Window(_Part, frozen=True, kw_only=True):
    """Chaos may run on these days, from `start` up to but not including `end`, in the calendar's zone."""

    days: Annotated[tuple[Day, ...], msgspec.Meta(min_length=1)]
    start: Clock
    end: Clock


class Freeze(_Part, frozen=True, kw_only=True):
    """No chaos from `start` up to but not including `end`; both RFC 3339 with an offset."""

    name: str
    start: str
    end: str


class Budget(_Part, frozen=True, kw_only=True):
    """The share of requests that must succeed, and how much of what may fail has to be left before chaos.

    An objective of 0 asks for none.
    """

    objective: Annotated[float, msgspec.Meta(ge=0, le=0.99999)] = 0.0
    left_min: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5


class Due(_Part, frozen=True, kw_only=True):
    """An experiment and its cron expression, in the calendar's zone."""

    experiment: str
    cron: str


class Calendar(_Part, frozen=True, kw_only=True):
    """The whole file; without windows chaos may run at any time."""

    version: Literal["isthmus/v1"]
    zone: str = "UTC"
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    budget: Budget = Budget()
    schedule: tuple[Due, ...] = ()

    @property
    def tz(self) -> tzinfo:
        """The zone of windows and schedule."""
        return ZoneInfo(self.zone)


ALWAYS = Calendar(version="isthmus/v1")
"""Where there is no file: nothing is forbidden, nothing is due."""


class CalendarError(Exception):
    """The file cannot be used: a line per fault, each with place, expectation and fix."""


def load_calendar(path: Path) -> Calendar:
    """Read and check the file. Raises `CalendarError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CalendarError(
            f"{path}: {error.strerror}; expected a calendar; fix: leave the option out to run at any time"
        ) from error
    try:
        document = read_document(data, str(path), Calendar)
        if document.value is not None:
            _check(document, document.value)
        document.finish()
    except PolicyError as error:
        raise CalendarError(str(error)) from error
    if document.value is None:
        raise CalendarError(f"{path}: expected a calendar")
    return document.value


def _check(document: Document[Calendar], calendar: Calendar) -> None:
    try:
        ZoneInfo(calendar.zone)
    except (ZoneInfoNotFoundError, ValueError):
        document.report(
            "zone", f"{calendar.zone} is no time zone", expected="a name like Asia/Shanghai",
            fix="correct it, or leave it out for UTC",
        )  # fmt: skip
    for n, window in enumerate(calendar.windows):
        if time.fromisoformat(window.start) >= time.fromisoformat(window.end):
            document.report(
                f"windows[{n}].end", "is not after start", expected="a later time of the same day",
                fix="write two windows to go past midnight",
            )  # fmt: skip
    for n, freeze in enumerate(calendar.freezes):
        _check_freeze(document, f"freezes[{n}]", freeze)
    for n, due in enumerate(calendar.schedule):
        try:
            parse(due.cron)
        except CronError as error:
            document.report(
                f"schedule[{n}].cron", str(error), expected="a five-field cron expression",
                fix='write it like "0 10 * * mon-fri"',
            )  # fmt: skip


def _check_freeze(document: Document[Calendar], path: str, freeze: Freeze) -> None:
    for name, text in (("start", freeze.start), ("end", freeze.end)):
        if moment(text) is None:
            document.report(
                f"{path}.{name}", f"{text} is no moment", expected="RFC 3339 with an offset",
                fix='write it like "2026-11-10T00:00:00+08:00"',
            )  # fmt: skip
    start, end = moment(freeze.start), moment(freeze.end)
    if start and end and start >= end:
        document.report(
            f"{path}.end",
            "is not after start",
            expected="a later moment",
            fix="correct one of the two",
        )


def moment(text: str) -> datetime | None:
    """A moment with its offset, None for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
