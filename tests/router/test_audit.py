"""The audit: edits, cuts, gaps and lost files show; a kill does not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from router.audit import AuditError, verify
from router.evidence import EvidenceWriter

STARTS = iter(range(1, 10_000))


def write(directory: Path, *, kill: bool = False, records: int = 4) -> Path:
    start = next(STARTS)
    writer = EvidenceWriter(directory, "w0", wall_ns=lambda: start)
    for _ in range(records):
        writer.record("sensitive", policy="p", route="orders", site="private", status=201)
    writer.count_public("p", "ads", "public")
    writer.count_public("p", "ads", "public")
    writer.flush()
    if kill:
        os.close(writer._file)
    else:
        writer.close()
    return writer.path


def split(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        found.append(data[at:end])
        at = end
    return found


def edit(data: bytes) -> bytes:
    return data.replace(b"private", b"privatf", 1)


def cut_middle(data: bytes) -> bytes:
    parts = split(data)
    return b"".join(parts[:2] + parts[3:])


def swap(data: bytes) -> bytes:
    parts = split(data)
    return b"".join([*parts[:1], parts[2], parts[1], *parts[3:]])


def append(data: bytes) -> bytes:
    return data + b"\x00\x00"


def cut_start(data: bytes) -> bytes:
    return b"".join(split(data)[1:])


def double(data: bytes) -> bytes:
    parts = split(data)
    return b"".join([*parts[:3], parts[2], *parts[3:]])


def test_whole_evidence_is_whole_and_counts_decisions(tmp_path: Path) -> None:
    """Markers are left out, counters count what they stand for."""
    write(tmp_path)
    write(tmp_path)
    report = verify(tmp_path)
    assert report.chain_ok
    assert report.files == 2
    assert report.records == 12
    assert report.by_kind == {"public_count": 4, "sensitive": 8}


@pytest.mark.parametrize("harm", [edit, cut_middle, swap, append, cut_start, double])
def test_harm_is_found_and_placed(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    """An edit, a cut, an exchange, an addition: each breaks the chain and names the file."""
    path = write(tmp_path)
    path.write_bytes(harm(path.read_bytes()))
    report = verify(tmp_path)
    assert not report.chain_ok
    assert report.broken[0].startswith(path.name)


def test_a_torn_tail_of_a_killed_writer_is_no_break(tmp_path: Path) -> None:
    """The last frame of a killed process may be half there; the rest still counts."""
    path = write(tmp_path, kill=True)
    path.write_bytes(path.read_bytes()[:-3])
    report = verify(tmp_path)
    assert report.chain_ok
    assert report.torn == 1
    assert report.records == 4


def test_a_killed_file_cut_at_a_border_shows_in_its_successor(tmp_path: Path) -> None:
    """The next file of the worker names how many records came before it."""
    path = write(tmp_path, kill=True)
    write(tmp_path)
    assert verify(tmp_path).chain_ok
    path.write_bytes(b"".join(split(path.read_bytes())[:-1]))
    assert not verify(tmp_path).chain_ok


def test_a_file_that_is_gone_shows_in_its_successor(tmp_path: Path) -> None:
    """Deleting a whole file leaves a gap between files."""
    first = write(tmp_path)
    write(tmp_path)
    first.unlink()
    assert not verify(tmp_path).chain_ok


def test_an_empty_file_is_a_break(tmp_path: Path) -> None:
    """A file without its opening record was cut to nothing."""
    write(tmp_path).write_bytes(b"")
    assert not verify(tmp_path).chain_ok


def test_no_directory_is_an_error_that_says_the_fix(tmp_path: Path) -> None:
    """What, where, expected, fix."""
    with pytest.raises(AuditError, match="expected a router's evidence directory; fix:"):
        verify(tmp_path / "none")
