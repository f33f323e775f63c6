"""The history of runs in SQLite: a row per run, the whole result beside the columns that are asked for.

The file can be made anew from the runs' folders as far as these are kept; nothing else stands only here.
"""

import contextlib
import os
import sqlite3
from collections.abc import Generator, Iterable
from pathlib import Path

import msgspec

from contracts.chaos import ChaosResult

BUSY_S = 10.0
_TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY,
    experiment TEXT NOT NULL,
    verdict TEXT NOT NULL,
    started_wall_s REAL NOT NULL,
    result BLOB NOT NULL
) STRICT
"""


class HistoryError(Exception):
    """The file cannot be used: which, why, fix."""


class History:
    """One history file; made when first written to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self.path, timeout=BUSY_S)
            with contextlib.closing(connection), connection:  # the inner one commits
                connection.execute(_TABLE)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(
                f"{self.path}: {error}; expected a history of chaos runs; fix: move the file away"
            ) from error

    def keep(self, results: Iterable[ChaosResult]) -> None:
        """Add runs, each in place of one of the same name. Raises `HistoryError`."""
        rows = [
            (it.run, it.experiment, it.verdict, it.started_wall_s, msgspec.json.encode(it))
            for it in results
        ]
        if not rows and not self.path.exists():
            return
        with self._connected() as connection:
            connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)", rows)

    def runs(self, *, limit: int = -1) -> tuple[ChaosResult, ...]:
        """The newest runs first, all of them without a limit. Raises `HistoryError`."""
        if not self.path.exists():
            return ()
        with self._connected() as connection:
            rows: list[tuple[bytes]] = connection.execute(
                "SELECT result FROM runs ORDER BY started_wall_s DESC, run LIMIT ?", (limit,)
            ).fetchall()
        try:
            return tuple(msgspec.json.decode(row[0], type=ChaosResult) for row in rows)
        except msgspec.MsgspecError as error:
            raise HistoryError(
                f"{self.path}: {error}; expected results of this version; fix: move the file away"
            ) from error
