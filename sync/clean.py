"""Typed cleaning: a click becomes a row, or goes to quarantine with the reason, never its content.

Pure. Nothing is repaired: a row is what the service acknowledged, or it is not a row.
"""

from collections.abc import Iterator

import msgspec

from contracts.events import ClickEvent

LATE_MS_MAX = 24 * 3600 * 1000
"""A click acknowledged more than a day after it occurred belongs to a day that is closed."""

EARLY_MS_MAX = 5 * 60 * 1000
"""Clients' clocks run ahead by minutes at most; beyond that `occurred_ms` is not a time."""

TEXT_CHARS_MAX = 512
"""Identifiers are short; `note` is free text and bounded by the service's body limit instead."""

MS_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `events`; the fields are the table's columns."""

    event_id: str
    site: str
    ad: str
    campaign: str
    accepted_ms: int
    occurred_ms: int


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """Why a record is no row: `malformed: …`, `late: …`, `early: …` or `tombstone`."""

    reason: str


def clean(value: bytes | None) -> Row | Reject:
    """The row in a click's JSON, or why there is none."""
    if value is None:
        return Reject(reason="tombstone")
    try:
        event = msgspec.json.decode(value, type=ClickEvent)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Reject(reason=f"malformed: {_shape(error)}")
    problem = next(_problems(event), None)
    return Reject(reason=problem) if problem is not None else _row(event)


def _shape(error: Exception) -> str:
    """Msgspec names places and types, never values; other texts could quote the record."""
    return str(error) if isinstance(error, msgspec.ValidationError) else type(error).__name__


def _problems(event: ClickEvent) -> Iterator[str]:
    texts = {
        "event_id": event.event_id,
        "site": event.site,
        "ad": event.ad,
        "campaign": event.campaign,
    }
    for name, text in texts.items():
        if not 0 < len(text) <= TEXT_CHARS_MAX:
            yield f"malformed: {name} has {len(text)} characters, expected 1 to {TEXT_CHARS_MAX}"
        elif "\x00" in text:
            yield f"malformed: {name} contains U+0000, which PostgreSQL cannot hold"
    for name, stamp_ms in (("accepted_ms", event.accepted_ms), ("occurred_ms", event.occurred_ms)):
        if not 0 < stamp_ms <= MS_MAX:
            yield f"malformed: {name} is no time in milliseconds since 1970"
    late_ms = event.accepted_ms - event.occurred_ms
    if late_ms > LATE_MS_MAX:
        yield f"late: accepted {late_ms} ms after it occurred, at most {LATE_MS_MAX} ms"
    elif late_ms < -EARLY_MS_MAX:
        yield f"early: occurred {-late_ms} ms after it was accepted, at most {EARLY_MS_MAX} ms"


def _row(event: ClickEvent) -> Row:
    return Row(
        event_id=event.event_id,
        site=event.site,
        ad=event.ad,
        campaign=event.campaign,
        accepted_ms=event.accepted_ms,
        occurred_ms=event.occurred_ms,
    )
