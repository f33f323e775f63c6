"""The PostgreSQL warehouse: rows, quarantine and offsets change in one transaction, or not at all.

Adapter; the only module here that knows SQL but for `verify`'s reader. Offsets move by compare-and-swap on
(next, epoch): a loader that was thought dead finds its epoch gone and writes nothing.
"""

import contextlib
from collections.abc import Generator, Iterable, Mapping
from typing import NamedTuple

import psycopg

from sync.batch import Disposition
from sync.clean import Row
from sync.faults import ReplicationError

CONNECT_S = 5
STATEMENT_MS_MAX = 10_000
"""A batch commits in milliseconds; ten seconds means a lock or a dead disk, and the session is renewed."""

TABLES = """
create table if not exists events(
  topic text not null, partition integer not null, "offset" bigint not null,
  event_id text not null, site text not null, ad text not null, campaign text not null,
  accepted_ms bigint not null, occurred_ms bigint not null,
  committed_at timestamptz not null default clock_timestamp(),
  primary key(topic, partition, "offset"));
create table if not exists quarantine(
  topic text not null, partition integer not null, "offset" bigint not null,
  reason text not null, value bytea,
  committed_at timestamptz not null default clock_timestamp(),
  primary key(topic, partition, "offset"));
create table if not exists sync_offset(
  topic text not null, partition integer not null, topic_id text not null,
  next bigint not null, epoch bigint not null,
  primary key(topic, partition));
"""

_LOCK = 0x697374686D7573  # "isthmus": `create table if not exists` is not safe against itself


class Loaded(NamedTuple):
    """One row with its coordinates."""

    partition: int
    offset: int
    row: Row


class Quarantined(NamedTuple):
    """One rejected record with its coordinates; `value` is its bytes."""

    partition: int
    offset: int
    reason: str
    value: bytes | None


class Held(NamedTuple):
    """What the warehouse holds of one partition: the topic's id then, the next offset, our epoch."""

    topic_id: str
    next: int
    epoch: int


class Move(NamedTuple):
    """An offset to move: from what the session believes, to behind the batch."""

    partition: int
    before: int
    after: int
    epoch: int


class Store:
    """One connection to the warehouse."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection | None = None

    def open(self) -> None:
        """Connect and make sure of the tables."""
        with _raising("warehouse"):
            self._connection = psycopg.connect(
                self._dsn,
                connect_timeout=CONNECT_S,
                options=f"-c statement_timeout={STATEMENT_MS_MAX}",
                application_name="isthmus-bridge",
            )
            with self._connection.transaction():
                self._connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                self._connection.execute(TABLES)

    def claim(self, topic: str, *, topic_id: str, starts: Mapping[int, int]) -> Mapping[int, Held]:
        """Take the topic's offsets over from any earlier loader; partitions not known begin at `starts`."""
        connection = self._live()
        with _raising("claim offsets"), connection.transaction():
            with connection.cursor() as cursor:
                cursor.executemany(
                    "insert into sync_offset(topic, partition, topic_id, next, epoch)"
                    " values (%s, %s, %s, %s, 0) on conflict do nothing",
                    [(topic, number, topic_id, at) for number, at in starts.items()],
                )
            rows = connection.execute(
                "update sync_offset set epoch = epoch + 1 where topic = %s and partition = any(%s)"
                " returning partition, topic_id, next, epoch",
                (topic, list(starts)),
            ).fetchall()
        return {partition: Held(*held) for partition, *held in rows}

    def commit(
        self,
        topic: str,
        *,
        rows: Iterable[Loaded],
        rejects: Iterable[Quarantined],
        moves: Iterable[Move],
    ) -> None:
        """One transaction: offsets first, so that a loader without its epoch ends before it writes."""
        connection = self._live()
        with _raising("load"), connection.transaction():
            for move in moves:
                _swap(connection, topic, move)
            _copy_rows(connection, topic, rows)
            _copy_rejects(connection, topic, rejects)

    def close(self) -> None:
        """Let go; never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.close()

    def _live(self) -> psycopg.Connection:
        if self._connection is None:
            raise ReplicationError(Disposition.RENEW, "the warehouse is not open")
        return self._connection


def _swap(connection: psycopg.Connection, topic: str, move: Move) -> None:
    swapped = connection.execute(
        "update sync_offset set next = %s"
        " where topic = %s and partition = %s and next = %s and epoch = %s",
        (move.after, topic, move.partition, move.before, move.epoch),
    )
    if swapped.rowcount != 1:
        raise ReplicationError(
            Disposition.FENCED, f"{topic}/{move.partition}: another loader has moved the offset"
        )


def _copy_rows(connection: psycopg.Connection, topic: str, rows: Iterable[Loaded]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(
            'copy events(topic, partition, "offset", event_id, site, ad, campaign,'
            " accepted_ms, occurred_ms) from stdin"
        ) as copy,
    ):
        for partition, offset, row in rows:
            copy.write_row(
                (
                    topic,
                    partition,
                    offset,
                    row.event_id,
                    row.site,
                    row.ad,
                    row.campaign,
                    row.accepted_ms,
                    row.occurred_ms,
                )
            )


def _copy_rejects(
    connection: psycopg.Connection, topic: str, rejects: Iterable[Quarantined]
) -> None:
    held = list(rejects)
    if not held:
        return
    with (
        connection.cursor() as cursor,
        cursor.copy(
            'copy quarantine(topic, partition, "offset", reason, value) from stdin'
        ) as copy,
    ):
        for partition, offset, reason, value in held:
            copy.write_row((topic, partition, offset, reason, value))


@contextlib.contextmanager
def _raising(doing: str) -> Generator[None]:
    """PostgreSQL's errors as the loop's: a value it cannot hold is a refusal, anything else is indefinite."""
    try:
        yield
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
        raise ReplicationError(Disposition.REFUSED, f"{doing}: {type(error).__name__}") from error
    except psycopg.errors.UniqueViolation as error:
        raise ReplicationError(
            Disposition.STOP, f"{doing}: rows are there that the offsets deny"
        ) from error
    except psycopg.Error as error:
        raise ReplicationError(Disposition.RENEW, f"{doing}: {type(error).__name__}") from error
