"""The batch loop as a state machine: events in, one command out; the driver does what it is told.

Pure; knows neither Kafka nor PostgreSQL: the mirror and the warehouse loader are both driven by it. The rule
that shapes it: after *any* error the session (producer, consumer, connection) is discarded and opened anew
from the top, since an error may be indefinite: the transaction may or may not have been committed, and only
a fenced re-read tells. A batch the target refuses is halved until one record is left; that one is condemned
and goes to the dead letters.
"""

import enum

import msgspec

BACKOFF_FIRST_S = 0.05
BACKOFF_MAX_S = 1.0
"""A broker is back within seconds or not at all; a second costs little CPU and keeps catch-up under 2 s."""

FENCE_WINDOW_S = 60.0
"""One fencing is explained by a stall longer than the transaction timeout; a second within a minute by a rival."""

Coordinate = tuple[int, int]
"""Partition and offset on the source."""


class Disposition(enum.Enum):
    """What an error calls for."""

    RENEW = "renew"
    FENCED = "fenced"
    REFUSED = "refused"
    STOP = "stop"


class Phase(enum.Enum):
    """Where the loop is."""

    OPENING = "opening"
    FETCHING = "fetching"
    COPYING = "copying"
    COMMITTING = "committing"
    WAITING = "waiting"
    FAILED = "failed"
    STOPPED = "stopped"


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The session stands at its start offsets."""


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """`records` were read (0: none within the poll)."""

    records: int
    now_s: float


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """The batch is written, not yet committed."""


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """The batch and its progress are committed."""

    now_s: float


class Waited(msgspec.Struct, frozen=True, kw_only=True):
    """The wait after a discarded session is over."""


class StopAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The process is asked to end; given only between batches."""


class Broke(msgspec.Struct, frozen=True, kw_only=True):
    """A command failed; `only` is the batch's one record, if it had exactly one."""

    disposition: Disposition
    reason: str
    now_s: float
    only: Coordinate | None = None


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Fence, read progress, judge the start, assign."""


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """Pause, then read up to `records_max`."""

    records_max: int
    pause_s: float


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """Write the batch; the condemned record goes to the dead letters instead."""

    condemned: Coordinate | None


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """Commit batch and progress as one."""


class Discard(msgspec.Struct, frozen=True, kw_only=True):
    """Throw the session away, then wait."""

    wait_s: float
    reason: str


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """End: an operator is needed."""

    reason: str


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """End as asked."""


Event = Opened | Fetched | Copied | Committed | Waited | StopAsked | Broke
Command = Open | Fetch | Copy | Commit | Discard | Halt | Finish


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The machine's state. `interval_s` is the least time between the starts of two part-filled batches."""

    phase: Phase
    records_max: int
    interval_s: float
    limit: int
    attempts: int = 0
    fenced_at_s: float | None = None
    condemned: Coordinate | None = None
    fetched: int = 0
    began_s: float = 0.0


_BREAKABLE = frozenset({Phase.OPENING, Phase.FETCHING, Phase.COPYING, Phase.COMMITTING})
_STOPPABLE = frozenset({Phase.OPENING, Phase.FETCHING, Phase.WAITING})


class IllegalEventError(Exception):
    """An event the phase does not expect: a fault of the driver."""


def begin(*, records_max: int, interval_s: float) -> tuple[Batch, Command]:
    """A machine at its start, and its first command."""
    batch = Batch(
        phase=Phase.OPENING, records_max=records_max, interval_s=interval_s, limit=records_max
    )
    return batch, Open()


def step(batch: Batch, event: Event) -> tuple[Batch, Command]:
    """The next state and what to do. Raises `IllegalEventError`; the state is then unchanged."""
    match event:
        case Opened() if batch.phase is Phase.OPENING:
            after = _to(batch, Phase.FETCHING), _fetch(batch, 0.0)
        case Fetched() if batch.phase is Phase.FETCHING:
            after = _on_fetched(batch, event)
        case Copied() if batch.phase is Phase.COPYING:
            after = _to(batch, Phase.COMMITTING), Commit()
        case Committed() if batch.phase is Phase.COMMITTING:
            after = _on_committed(batch, event.now_s)
        case Waited() if batch.phase is Phase.WAITING:
            after = _to(batch, Phase.OPENING), Open()
        case StopAsked() if batch.phase in _STOPPABLE:
            after = _to(batch, Phase.STOPPED), Finish()
        case Broke() if batch.phase in _BREAKABLE:
            after = _on_broke(batch, event)
        case _:
            raise IllegalEventError(f"{batch.phase.value}: {type(event).__name__}")
    return after


def _on_fetched(batch: Batch, event: Fetched) -> tuple[Batch, Command]:
    if event.records == 0:
        return batch, _fetch(batch, 0.0)
    copying = msgspec.structs.replace(
        batch, phase=Phase.COPYING, fetched=event.records, began_s=event.now_s
    )
    return copying, Copy(condemned=batch.condemned)


def _to(batch: Batch, phase: Phase) -> Batch:
    return msgspec.structs.replace(batch, phase=phase)


def _fetch(batch: Batch, pause_s: float) -> Fetch:
    return Fetch(records_max=batch.limit, pause_s=pause_s)


def _on_committed(batch: Batch, now_s: float) -> tuple[Batch, Command]:
    """A full batch means backlog: no pause, and a limit that was halved grows again."""
    full = batch.fetched >= batch.limit
    pause_s = 0.0 if full else max(0.0, batch.interval_s - (now_s - batch.began_s))
    grown = msgspec.structs.replace(
        batch,
        phase=Phase.FETCHING,
        limit=min(batch.records_max, batch.limit * 2),
        attempts=0,
        condemned=None,
    )
    return grown, _fetch(grown, pause_s)


def _on_broke(batch: Batch, broke: Broke) -> tuple[Batch, Command]:
    match broke.disposition:
        case Disposition.STOP:
            return _halt(batch, broke.reason)
        case Disposition.FENCED:
            return _on_fenced(batch, broke)
        case Disposition.REFUSED if broke.only is not None and broke.only == batch.condemned:
            return _halt(batch, f"dead-letter-refused: {broke.reason}")
        case Disposition.REFUSED:
            return _on_refused(batch, broke)
        case Disposition.RENEW:
            return _renew(batch, broke.reason)


def _on_fenced(batch: Batch, broke: Broke) -> tuple[Batch, Command]:
    if batch.fenced_at_s is not None and broke.now_s - batch.fenced_at_s < FENCE_WINDOW_S:
        return _halt(batch, f"fenced: another instance owns this slice: {broke.reason}")
    return _renew(msgspec.structs.replace(batch, fenced_at_s=broke.now_s), broke.reason)


def _on_refused(batch: Batch, broke: Broke) -> tuple[Batch, Command]:
    narrowed = msgspec.structs.replace(
        batch,
        phase=Phase.WAITING,
        limit=max(1, min(batch.limit, batch.fetched) // 2),
        condemned=broke.only,
    )
    return narrowed, Discard(wait_s=0.0, reason=broke.reason)


def _renew(batch: Batch, reason: str) -> tuple[Batch, Command]:
    wait_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(batch.attempts, 10))
    waiting = msgspec.structs.replace(batch, phase=Phase.WAITING, attempts=batch.attempts + 1)
    return waiting, Discard(wait_s=wait_s, reason=reason)


def _halt(batch: Batch, reason: str) -> tuple[Batch, Command]:
    return _to(batch, Phase.FAILED), Halt(reason=reason)
