"""Evidence: what the router records of each decision, without a value, and how the chain is laid.

A file `evidence-WORKER-START.log` is a run of frames: 4-byte big-endian length, msgpack `ChainedRecord`.
`link` = SHA-256(previous link || msgpack of `record`); the first `previous` is 32 zero bytes.
"""

from typing import Literal

from contracts.base import Contract

DecisionKind = Literal[
    "sensitive", "raised", "refused", "guard_block", "public_count", "config", "open", "close"
]


class EvidenceRecord(Contract, frozen=True, kw_only=True):
    """One decision, or one second of public counters (`count` > 1), or a marker of the file's life.

    `reasons` name rules, detectors and places, never a value. `site` is where it went, empty if nowhere.
    `sequence` starts at 0 in each file and has no gap.
    """

    sequence: int
    wall_ns: int
    kind: DecisionKind
    policy: str
    route: str
    site: str
    status: int
    count: int
    reasons: tuple[str, ...]


class ChainedRecord(Contract, frozen=True, kw_only=True):
    """A record and its link."""

    record: EvidenceRecord
    link: bytes


class AuditReport(Contract, frozen=True, kw_only=True):
    """`isthmus audit verify DIR`: `records` counts decisions (sum of `count`, markers left out).

    `chain_ok` is false on an edit, a cut, a gap in `sequence` or a frame that does not decode;
    `broken` names file and record number. A torn last frame of a process that was killed is not a break
    and is counted in `torn`.
    """

    schema: int = 1
    files: int
    records: int
    by_kind: dict[str, int]
    chain_ok: bool
    torn: int
    broken: tuple[str, ...]
