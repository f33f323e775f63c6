"""A profile as straight pieces of rate over time, and the phases a report names.

Pure. Every kind of segment becomes pieces of constant or linear rate, so arrivals need one formula.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

import msgspec

from contracts.drive import Phase, Segment


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """From `start_s` for `for_s` seconds the rate goes straight from `rate` to `to` (requests per second)."""

    start_s: float
    for_s: float
    rate: float
    to: float

    @property
    def requests(self) -> float:
        """How many arrivals are expected in it."""
        return (self.rate + self.to) / 2 * self.for_s


TracePoint = tuple[float, float]
"""Second and rate of a recorded run; the rate holds until the next point."""


def pieces_of(
    segments: Iterable[Segment], traces: Mapping[str, tuple[TracePoint, ...]]
) -> tuple[Piece, ...]:
    """All pieces in order of time; `traces` holds the points of every file a segment names."""
    pieces: list[Piece] = []
    start_s = 0.0
    for segment in segments:
        for piece in _of_segment(segment, traces, start_s):
            pieces.append(piece)
            start_s = piece.start_s + piece.for_s
    return tuple(pieces)


def phases_of(
    segments: Iterable[Segment], traces: Mapping[str, tuple[TracePoint, ...]]
) -> tuple[Phase, ...]:
    """One phase per segment; a step has one per level (`NAME-1` and on), as capacity is read level by level."""
    phases: list[Phase] = []
    start_s = 0.0
    for segment in segments:
        pieces = list(_of_segment(segment, traces, start_s))
        parts = [[piece] for piece in pieces] if segment.kind == "step" else [pieces]
        for number, part in enumerate(parts, 1):
            phases.append(
                Phase(
                    name=f"{segment.name}-{number}" if segment.kind == "step" else segment.name,
                    start_s=part[0].start_s,
                    end_s=part[-1].start_s + part[-1].for_s,
                    rate=part[0].rate,
                    to=part[-1].to,
                )
            )
        start_s = phases[-1].end_s
    return tuple(phases)


def _of_segment(
    segment: Segment, traces: Mapping[str, tuple[TracePoint, ...]], start_s: float
) -> Iterator[Piece]:
    match segment.kind:
        case "constant":
            yield _flat(start_s, segment.for_s, segment.rate)
        case "ramp":
            yield Piece(start_s=start_s, for_s=segment.for_s, rate=segment.rate, to=segment.to)
        case "step":
            level_s = segment.for_s / segment.steps
            for level in range(segment.steps):
                share = level / (segment.steps - 1) if segment.steps > 1 else 0.0
                rate = segment.rate + (segment.to - segment.rate) * share
                yield _flat(start_s + level * level_s, level_s, rate)
        case "spike":
            yield from _spike(segment, start_s)
        case "trace":
            yield from _trace(traces[segment.file], segment, start_s)
        case _:
            assert_never(segment.kind)


def _flat(start_s: float, for_s: float, rate: float) -> Piece:
    return Piece(start_s=start_s, for_s=for_s, rate=rate, to=rate)


def _spike(segment: Segment, start_s: float) -> Iterator[Piece]:
    edges = (
        (0.0, segment.at_s, segment.rate),
        (segment.at_s, segment.at_s + segment.width_s, segment.to),
        (segment.at_s + segment.width_s, segment.for_s, segment.rate),
    )
    for begin_s, end_s, rate in edges:
        if end_s > begin_s:
            yield _flat(start_s + begin_s, end_s - begin_s, rate)


def _trace(points: tuple[TracePoint, ...], segment: Segment, start_s: float) -> Iterator[Piece]:
    """`for_s` cuts a longer trace; a shorter one holds its last rate to the end."""
    first_s = points[0][0]
    ends = [*(at_s - first_s for at_s, _ in points[1:]), segment.for_s]
    for (at_s, rate), end_s in zip(points, ends, strict=True):
        begin_s, until_s = at_s - first_s, min(max(end_s, at_s - first_s), segment.for_s)
        if until_s > begin_s:
            yield _flat(start_s + begin_s, until_s - begin_s, rate * segment.scale)
