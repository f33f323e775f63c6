"""The evidence file: written before it is needed, whole after a kill."""

import os
from pathlib import Path

import pytest

from router.audit import verify
from router.chain import Good, frames
from router.evidence import EvidenceWriter


class Clock:
    def __init__(self) -> None:
        self.ns = 1_000

    def __call__(self) -> int:
        self.ns += 1
        return self.ns


def records(path: Path):
    return [frame.record for frame in frames(path.read_bytes()) if isinstance(frame, Good)]


def test_a_record_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    """No buffer of ours stands between a decision and the kernel."""
    writer = EvidenceWriter(tmp_path, "w0", wall_ns=Clock())
    writer.record("raised", policy="p", route="ads", site="private", status=200, reasons=("x",))
    last = records(writer.path)[-1]
    assert (last.kind, last.route, last.site, last.status, last.reasons) == (
        "raised",
        "ads",
        "private",
        200,
        ("x",),
    )
    assert [r.sequence for r in records(writer.path)] == [0, 1]
    writer.close()
    assert records(writer.path)[-1].kind == "close"


def test_public_decisions_are_counted_and_flushed_as_one(tmp_path: Path) -> None:
    """A thousand of a kind are one record; a flush without any writes nothing."""
    writer = EvidenceWriter(tmp_path, "w0", wall_ns=Clock())
    for _ in range(1000):
        writer.count_public("p", "ads", "public")
    writer.count_public("p", "ads", "private")
    writer.flush()
    writer.flush()
    counted = {r.site: r.count for r in records(writer.path) if r.kind == "public_count"}
    assert counted == {"public": 1000, "private": 1}
    writer.close()
    assert verify(tmp_path).records == 1001


def test_the_file_is_for_its_owner_only_and_never_reused(tmp_path: Path) -> None:
    """Mode 0600, and a name that is taken is an error, not an overwrite."""
    writer = EvidenceWriter(tmp_path, "w0", wall_ns=lambda: 7)
    assert writer.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        EvidenceWriter(tmp_path, "w0", wall_ns=lambda: 7)
    writer.close()


def test_a_new_file_names_the_end_of_the_one_before(tmp_path: Path) -> None:
    """A worker that starts again ties its file to the last one, a killed writer's included."""
    first = EvidenceWriter(tmp_path, "w0", wall_ns=Clock())
    first.record("refused", status=404)
    os.close(first._file)
    clock = Clock()
    clock.ns = 5_000
    second = EvidenceWriter(tmp_path, "w0", wall_ns=clock)
    opened = records(second.path)[0]
    assert opened.reasons[0].startswith(f"{first.path.name}:2:")
    second.close()
    assert verify(tmp_path).chain_ok
