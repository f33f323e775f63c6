"""The evidence file of one worker: a hash chain of decisions, without a value, written as it happens.

Records of sensitive, raised, refused and guard decisions are handed to the kernel before the answer leaves;
public ones are counted and flushed every second and at shutdown. Stated loss: none of the former when the
process dies, at most one second of public counters; what the kernel had not written when power fails.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from contracts.evidence import ChainedRecord, DecisionKind, EvidenceRecord
from router.chain import FIRST_LINK, last_of

FLUSH_S = 1.0


class EvidenceWriter:
    """Appends to `evidence-WORKER-START.log` in `directory`; frames are whole or, after a kill, torn at the end."""

    def __init__(self, directory: Path, worker: str, *, wall_ns: Callable[[], int]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._wall_ns = wall_ns
        self._sequence = 0
        self._link = FIRST_LINK
        self._encoder = msgspec.msgpack.Encoder()
        self._public: dict[tuple[str, str, str], int] = {}
        before = last_of(directory, worker)
        self.path = directory / f"evidence-{worker}-{wall_ns()}.log"
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        self.record("open", reasons=(before,) if before else ())

    def record(  # noqa: PLR0913 - the fields of a record, by name
        self,
        kind: DecisionKind,
        *,
        policy: str = "",
        route: str = "",
        site: str = "",
        status: int = 0,
        count: int = 1,
        reasons: tuple[str, ...] = (),
    ) -> None:
        """Append one record; it is with the kernel when this returns. Raises `OSError` when it cannot be."""
        record = EvidenceRecord(
            sequence=self._sequence,
            wall_ns=self._wall_ns(),
            kind=kind,
            policy=policy,
            route=route,
            site=site,
            status=status,
            count=count,
            reasons=reasons,
        )
        body = self._encoder.encode(record)
        link = hashlib.sha256(self._link + body).digest()
        frame = self._encoder.encode(ChainedRecord(record=record, link=link))
        os.write(self._file, len(frame).to_bytes(4, "big") + frame)
        self._sequence += 1
        self._link = link

    def count_public(self, policy: str, route: str, site: str) -> None:
        """Count one public decision; `flush` writes the counters."""
        key = (policy, route, site)
        self._public[key] = self._public.get(key, 0) + 1

    def flush(self) -> None:
        """Write the public counters as one record per (policy, route, site) and start them anew."""
        counted, self._public = self._public, {}
        for (policy, route, site), count in counted.items():
            self.record("public_count", policy=policy, route=route, site=site, count=count)

    def close(self) -> None:
        """Flush, mark the proper end and close."""
        self.flush()
        self.record("close")
        os.close(self._file)
