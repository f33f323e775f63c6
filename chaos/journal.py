"""The journal of faults: one NDJSON line when a fault took effect, one more when it was healed."""

import os
from pathlib import Path

import msgspec

from contracts.fault import FaultRecord


class Journal:
    """An append-only file; the last line of an id is what is known of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: FaultRecord) -> None:
        """Write one line and sync it: a killed run's journal stays readable."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(record) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def records(self) -> tuple[FaultRecord, ...]:
        """What is known of each fault, in order of injection; a torn last line is left out."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        latest: dict[str, FaultRecord] = {}
        for line in lines[:-1]:
            record = msgspec.json.decode(line, type=FaultRecord)
            latest[record.id] = record
        return tuple(latest.values())
