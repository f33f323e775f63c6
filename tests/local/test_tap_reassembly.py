"""Segments in any order, any overlap, any wrap of the sequence number: the bytes come out as they were sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import tap_reassembly
from local.tap_reassembly import HISTORY_BYTES, Direction

WRAP = 1 << 32
STARTS = st.one_of(st.integers(0, WRAP - 1), st.integers(WRAP - 300, WRAP - 1))


def begun(start: int) -> Direction:
    direction = Direction()
    direction.begin(start)
    return direction


@st.composite
def sendings(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Bytes, and spans that cover them, overlapping and repeated, in any order."""
    data = draw(st.binary(min_size=1, max_size=300))
    cuts = sorted(draw(st.sets(st.integers(1, len(data)), max_size=12)) | {len(data)})
    spans = list(zip([0, *cuts[:-1]], cuts, strict=True))
    spans += draw(
        st.lists(
            st.tuples(st.integers(0, len(data) - 1), st.integers(1, 80)).map(
                lambda it: (it[0], min(len(data), it[0] + it[1]))
            ),
            max_size=12,
        )
    )
    return data, [(start, data[start:end]) for start, end in draw(st.permutations(spans))]


@given(sendings(), STARTS)
def test_the_bytes_come_out_as_sent(sending: tuple[bytes, list[tuple[int, bytes]]], start: int) -> None:  # fmt: skip
    """Whatever the order, all of it once, nothing contradicts, and nothing is behind what was acknowledged."""
    data, segments = sending
    direction = begun(start)
    out: list[bytes] = []
    for at, part in segments:
        pieces = direction.add((start + at) % WRAP, part)
        assert not pieces.conflict
        out += pieces.ordered
    assert b"".join(out) == data
    direction.acknowledge((start + len(data)) % WRAP)
    assert not direction.is_behind


@given(sendings(), STARTS)
def test_every_captured_byte_is_handed_out_at_once(sending: tuple[bytes, list[tuple[int, bytes]]], start: int) -> None:  # fmt: skip
    """A segment that is new is in what comes of it, in order or by itself: none waits unsearched."""
    _, segments = sending
    direction = begun(start)
    seen = set[int]()
    for at, part in segments:
        before = direction.position
        pieces = direction.add((start + at) % WRAP, part)
        assert part in pieces.strays or direction.position >= at + len(part)
        assert pieces.strays or at <= before
        seen.add(at)


@given(sendings(), STARTS, st.data())
def test_bytes_sent_twice_and_differently_are_a_conflict(
    sending: tuple[bytes, list[tuple[int, bytes]]], start: int, data: st.DataObject
) -> None:
    """One byte changed in one that is sent again; the other contents are searched too."""
    sent, segments = sending
    direction = begun(start)
    for at, part in segments:
        direction.add((start + at) % WRAP, part)
    at, part = data.draw(st.sampled_from(segments))
    place = data.draw(st.integers(0, len(part) - 1))
    other = part[:place] + bytes((part[place] ^ 1,)) + part[place + 1 :]
    pieces = direction.add((start + at) % WRAP, other)
    assert pieces.conflict
    assert pieces.strays == (other,)
    assert direction.position == len(sent)


@given(st.binary(min_size=1, max_size=50), st.binary(min_size=1, max_size=50), STARTS)
def test_what_is_acknowledged_and_was_never_seen_is_a_gap(
    missing: bytes, after: bytes, start: int
) -> None:
    """Known as one; given up on, what follows comes out."""
    direction = begun(start)
    after_at = (start + len(missing)) % WRAP
    assert direction.add(after_at, after).ordered == ()
    assert not direction.is_behind
    direction.acknowledge((after_at + len(after)) % WRAP)
    assert direction.is_behind
    assert direction.skip().ordered == (after,)
    assert not direction.is_behind
    direction.acknowledge((after_at + len(after) + 7) % WRAP)
    assert direction.is_behind
    assert direction.skip().ordered == ()
    assert not direction.is_behind


def test_the_end_is_no_byte() -> None:
    """A FIN takes a sequence number: its acknowledgement is no gap."""
    direction = begun(5)
    direction.add(5, b"abc")
    direction.finish(8)
    direction.acknowledge(9)
    assert not direction.is_behind


def test_a_direction_is_begun_by_what_is_seen_first() -> None:
    """By bytes, or by an acknowledgement: then earlier bytes are strays."""
    direction = Direction()
    assert direction.add(77, b"abc").ordered == (b"abc",)
    other = Direction()
    other.acknowledge(100)
    assert not other.is_behind
    assert other.add(90, b"0123456789").strays == (b"0123456789",)
    assert other.add(100, b"x").ordered == (b"x",)


def test_what_is_sent_again_from_long_ago_is_searched_by_itself() -> None:
    """Too old to be compared: no conflict is said, and no byte is left out."""
    direction = begun(0)
    for at in range(0, 4 * HISTORY_BYTES, HISTORY_BYTES):
        direction.add(at, bytes(HISTORY_BYTES))
    pieces = direction.add(10, b"elsewhere")
    assert pieces.strays == (b"elsewhere",)
    assert not pieces.conflict


def test_more_than_is_kept_out_of_order_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is searched all the same, and doubtful."""
    monkeypatch.setattr(tap_reassembly, "PENDING_BYTES_MAX", 10)
    direction = begun(0)
    assert not direction.add(5, b"12345").overflow
    told = direction.add(20, b"123456")
    assert told.overflow
    assert told.strays == (b"123456",)


def test_a_start_is_recognised() -> None:
    """A SYN sent again begins nothing new."""
    assert begun(7).is_start(7)
    assert not begun(7).is_start(8)
    assert not Direction().is_start(0)
