"""Is the evidence whole? Reads every file of a directory and finds edits, cuts and gaps.

A file that has no proper end and no successor may have been cut at a frame's border: that shows only against
a signed head kept elsewhere. Within a directory the next file of the same worker names where the last ended.
"""

from collections.abc import Iterable
from pathlib import Path

from contracts.evidence import AuditReport, DecisionKind, EvidenceRecord
from router.chain import Broken, Good, Torn, end_of, frames, started

MARKERS: frozenset[DecisionKind] = frozenset({"open", "close", "config"})


class AuditError(Exception):
    """There is nothing to audit at the place named."""


class _Tally:
    """What adds up over the files."""

    def __init__(self) -> None:
        self.by_kind: dict[str, int] = {}
        self.torn = 0
        self.broken: list[str] = []

    def count(self, record: EvidenceRecord) -> None:
        if record.kind not in MARKERS:
            self.by_kind[record.kind] = self.by_kind.get(record.kind, 0) + record.count


def verify(directory: Path) -> AuditReport:
    """The report on every evidence file in `directory`. Raises `AuditError` when there is no such place."""
    if not directory.is_dir():
        raise AuditError(
            f"{directory}: no such directory; expected a router's evidence directory; "
            "fix: name the `evidence` of its settings"
        )
    files = sorted(directory.glob("evidence-*.log"))
    tally = _Tally()
    if not files:
        tally.broken.append(f"{directory.name}: no evidence-*.log; a router that ran here left one")
    for worker in sorted({_worker(path) for path in files}):
        of_worker = sorted((p for p in files if _worker(p) == worker), key=started)
        _verify_worker(of_worker, tally)
    return AuditReport(
        files=len(files),
        records=sum(tally.by_kind.values()),
        by_kind=dict(sorted(tally.by_kind.items())),
        chain_ok=not tally.broken,
        torn=tally.torn,
        broken=tuple(tally.broken),
    )


def _worker(path: Path) -> str:
    return path.stem.removeprefix("evidence-").rpartition("-")[0]


def _verify_worker(paths: Iterable[Path], tally: _Tally) -> None:
    before = ""
    for path in paths:
        first = _verify_file(path, tally)
        named = first.reasons[0] if first is not None and first.reasons else ""
        if first is not None and named != before:
            tally.broken.append(f"{path.name}:0: the file before it ends elsewhere or is gone")
        before = end_of(path)


def _verify_file(path: Path, tally: _Tally) -> EvidenceRecord | None:
    """The file's first record, which is its `open` marker."""
    first: EvidenceRecord | None = None
    last: EvidenceRecord | None = None
    torn = False
    for frame in frames(path.read_bytes()):
        match frame:
            case Good(record=record):
                first, last = first or record, record
                tally.count(record)
            case Broken(number=number, why=why):
                tally.broken.append(f"{path.name}:{number}: {why}")
            case Torn():
                torn = True
    if torn and last is not None and last.kind == "close":
        tally.broken.append(f"{path.name}:{last.sequence + 1}: bytes after the proper end")
    elif torn:
        tally.torn += 1
    if first is None and not torn:
        tally.broken.append(f"{path.name}:0: empty")
    elif first is not None and first.kind != "open":
        tally.broken.append(f"{path.name}:0: does not open")
    return first
