"""A profile as pieces of rate: each kind of segment, its phases, and nothing lost between them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.drive import Segment
from loadtest.drive.profile import Piece, phases_of, pieces_of


def rate_at(pieces, second):
    for piece in pieces:
        if piece.start_s <= second < piece.start_s + piece.for_s:
            share = (second - piece.start_s) / piece.for_s
            return piece.rate + (piece.to - piece.rate) * share
    return None


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        (Segment(name="a", kind="constant", for_s=10, rate=5), {0: 5, 9.9: 5, 10: None}),
        (Segment(name="a", kind="ramp", for_s=10, rate=0, to=100), {0: 0, 5: 50, 9: 90}),
        (Segment(name="a", kind="step", for_s=9, rate=10, to=30, steps=3), {0: 10, 3.1: 20, 8: 30}),
        (Segment(name="a", kind="step", for_s=9, rate=10, to=30, steps=1), {0: 10, 8: 10}),
        (
            Segment(name="a", kind="spike", for_s=9, rate=10, to=300, at_s=4, width_s=2),
            {3.9: 10, 4: 300, 5.9: 300, 6.1: 10},
        ),
        (
            Segment(name="a", kind="spike", for_s=9, rate=10, to=300, at_s=0, width_s=9),
            {0: 300, 8.9: 300},
        ),
        (
            Segment(name="a", kind="trace", for_s=10, file="t", scale=0.5),
            {0: 5, 1.9: 5, 2: 50, 9.9: 50},
        ),
        (Segment(name="a", kind="trace", for_s=1, file="t"), {0: 10, 1: None}),
    ],
)
def test_each_kind_of_segment_has_its_rates(segment, expected):
    """The rate at an instant is what the plan's words say; outside the segment there is none."""
    pieces = pieces_of([segment], {"t": ((100.0, 10.0), (102.0, 100.0))})
    assert {second: rate_at(pieces, second) for second in expected} == pytest.approx(expected)


SEGMENTS = st.builds(
    Segment,
    name=st.just("s"),
    kind=st.sampled_from(["constant", "ramp", "step"]),
    for_s=st.floats(0.1, 100),
    rate=st.floats(0, 1000),
    to=st.floats(0, 1000),
    steps=st.integers(1, 9),
)


@given(st.lists(SEGMENTS, min_size=1, max_size=5))
def test_pieces_follow_one_another_without_a_gap(segments):
    """The next piece starts where the last one ended, and phases cover the same time."""
    pieces, phases = pieces_of(segments, {}), phases_of(segments, {})
    for before, after in itertools.pairwise(pieces):
        assert after.start_s == pytest.approx(before.start_s + before.for_s)
    assert phases[0].start_s == pieces[0].start_s == 0
    assert phases[-1].end_s == pytest.approx(sum(segment.for_s for segment in segments))


def test_a_step_has_a_phase_for_each_level():
    """Capacity is read level by level, so each has a name and its rate."""
    step = Segment(name="up", kind="step", for_s=4, rate=10, to=20, steps=2)
    after = Segment(name="end", kind="constant", for_s=1, rate=1)
    found = [(it.name, it.start_s, it.end_s, it.rate) for it in phases_of([step, after], {})]
    assert found == [("up-1", 0, 2, 10), ("up-2", 2, 4, 20), ("end", 4, 5, 1)]


def test_a_piece_knows_how_many_it_expects():
    """The area under a straight line."""
    assert Piece(start_s=0, for_s=4, rate=10, to=20).requests == 60
