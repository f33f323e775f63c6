"""Reading a chain frame by frame."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.chain import FRAME_BYTES_MAX, Broken, Good, Torn, end_of, frames, last_of, started
from router.evidence import EvidenceWriter


def chain(directory: Path, count: int = 3) -> bytes:
    writer = EvidenceWriter(directory, "w0", wall_ns=lambda: 9)
    for number in range(count):
        writer.record("sensitive", route=f"r{number}", status=200)
    writer.close()
    return writer.path.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return chain(tmp_path_factory.mktemp("chain"))


def test_a_whole_chain_is_all_good(whole: bytes) -> None:
    """Open, three records, close."""
    kinds = [frame.record.kind for frame in frames(whole) if isinstance(frame, Good)]
    assert kinds == ["open", "sensitive", "sensitive", "sensitive", "close"]


def test_every_changed_byte_is_a_break_or_a_tear(whole: bytes) -> None:
    """There is no byte of a file that can be changed without showing."""
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 0x01
        read = list(frames(bytes(changed)))
        assert any(isinstance(frame, Broken | Torn) for frame in read), at


def test_every_cut_inside_a_frame_is_a_tear(whole: bytes) -> None:
    """A file that ends inside a frame ends with `Torn`, never with a false record."""
    borders = {0}
    at = 0
    while at < len(whole):
        at += 4 + int.from_bytes(whole[at : at + 4], "big")
        borders.add(at)
    for end in range(len(whole)):
        read = list(frames(whole[:end]))
        assert isinstance(read[-1], Torn) if end not in borders else Torn() not in read
        assert not any(isinstance(frame, Broken) for frame in read)


def test_an_absurd_length_is_a_break() -> None:
    """A frame longer than any record ends the reading."""
    read = list(frames((FRAME_BYTES_MAX + 1).to_bytes(4, "big") + b"x" * 10))
    assert read == [Broken(0, "frame length")]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    """Noise is broken or torn, and reading it ends."""
    assert not any(isinstance(frame, Good) for frame in frames(data))


def test_the_newest_file_is_found_by_its_start(tmp_path: Path) -> None:
    """Numbers, not letters, order the files."""
    for start in (9, 10, 100):
        EvidenceWriter(tmp_path, "w0", wall_ns=lambda start=start: start).close()
    assert last_of(tmp_path, "w0").startswith("evidence-w0-100.log:2:")
    assert last_of(tmp_path, "w1") == ""
    assert started(Path("evidence-w0-x.log")) == 0
    assert end_of(tmp_path / "evidence-w0-9.log") != end_of(tmp_path / "evidence-w0-10.log")
