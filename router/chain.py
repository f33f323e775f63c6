"""How an evidence file is read: frames one by one, links recomputed; shared by the audit and a new file's start."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from contracts.evidence import ChainedRecord, EvidenceRecord

FIRST_LINK = bytes(32)
FRAME_BYTES_MAX = 1 << 16
"""No record comes near 64 KiB; a longer frame is no frame."""


@dataclasses.dataclass(frozen=True, slots=True)
class Good:
    """A frame whose record is in place."""

    record: EvidenceRecord
    link: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Broken:
    """A frame that breaks the chain: its place in the file, counted from 0, and why."""

    number: int
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Torn:
    """The file ends inside a frame, as when its writer was killed."""


Frame = Good | Broken | Torn


def frames(data: bytes) -> Iterator[Frame]:
    """Each frame of a file's bytes; it ends after a `Torn` and after a frame that does not decode."""
    at, number, previous = 0, 0, FIRST_LINK
    while at < len(data):
        if at + 4 > len(data):
            yield Torn()
            return
        length = int.from_bytes(data[at : at + 4], "big")
        if not 0 < length <= FRAME_BYTES_MAX:
            yield Broken(number, "frame length")
            return
        raw = data[at + 4 : at + 4 + length]
        if len(raw) < length:
            yield Torn()
            return
        frame = _frame(raw, number, previous)
        yield frame
        if isinstance(frame, Torn) or (isinstance(frame, Broken) and frame.why == "not a record"):
            return
        # Go on from the link as written, so that one edit is one break and not one for each frame after it.
        previous = msgspec.msgpack.decode(raw, type=ChainedRecord).link
        at += 4 + length
        number += 1


def _frame(raw: bytes, number: int, previous: bytes) -> Frame:
    try:
        chained = msgspec.msgpack.decode(raw, type=ChainedRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Broken(number, "not a record")
    if msgspec.msgpack.encode(chained) != raw:
        return Broken(number, "not as written")
    if chained.record.sequence != number:
        return Broken(number, "gap")
    body = msgspec.msgpack.encode(chained.record)
    if hashlib.sha256(previous + body).digest() != chained.link:
        return Broken(number, "link")
    return Good(chained.record, chained.link)


def last_of(directory: Path, worker: str) -> str:
    """`NAME:RECORDS:LINK` of the worker's newest file, empty when there is none: what the next one names."""
    names = sorted(directory.glob(f"evidence-{worker}-*.log"), key=started)
    if not names:
        return ""
    return end_of(names[-1])


def started(path: Path) -> int:
    """The start in a file's name, 0 when it has none."""
    stamp = path.stem.rpartition("-")[2]
    return int(stamp) if stamp.isdigit() else 0


def end_of(path: Path) -> str:
    """`NAME:RECORDS:LINK` of a file: how many whole records it has and the last one's link."""
    count, link = 0, FIRST_LINK
    for frame in frames(path.read_bytes()):
        if isinstance(frame, Good):
            count, link = count + 1, frame.link
    return f"{path.name}:{count}:{link.hex()}"
