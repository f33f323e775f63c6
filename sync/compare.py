"""Source against target, dead letters and warehouse: what is lost, duplicated, out of order or altered.

Pure, and imports nothing of the bridge: it knows records only by coordinates and digests. Digests are
compared as multisets, since two records may be equal in every byte and both must arrive.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Place = tuple[int, int]
"""Partition and offset."""

Columns = tuple[str, str, str, str, int, int]
"""event_id, site, ad, campaign, accepted_ms, occurred_ms."""


class Seen(NamedTuple):
    """One record as a reader saw it; `click` are its columns if it is a click."""

    offset: int
    digest: bytes
    click: Columns | None


class Tally(NamedTuple):
    """What one partition's comparison found."""

    lost: int
    duplicate: int
    reordered: int
    altered: int


class Loads(NamedTuple):
    """What the warehouse holds of one topic."""

    rows: Mapping[Place, Columns]
    quarantined: frozenset[Place]


class LoadTally(NamedTuple):
    """What the comparison with the warehouse found; `altered` rows differ from their record."""

    lost: int
    duplicate: int
    altered: int


def compare_partition(
    source: Sequence[Seen], target: Sequence[Seen], dead: Mapping[int, bytes]
) -> Tally:
    """Every source record is on the target or among `dead` (source offset to digest), once, in order."""
    altered = sum(1 for seen in source if seen.offset in dead and dead[seen.offset] != seen.digest)
    wanted = [seen.digest for seen in source if seen.offset not in dead]
    came = [seen.digest for seen in target]
    need, have = Counter(wanted), Counter(came)
    return Tally(
        lost=(need - have).total(),
        duplicate=sum(
            count - need[digest] for digest, count in have.items() if 0 < need[digest] < count
        ),
        reordered=_reordered(wanted, came),
        altered=altered + sum(count for digest, count in have.items() if not need[digest]),
    )


def _reordered(wanted: Sequence[bytes], came: Sequence[bytes]) -> int:
    """Positions that differ once what is lost, repeated or unknown is left out on both sides."""
    shared = Counter(wanted) & Counter(came)
    return sum(
        1 for a, b in zip(_first(wanted, shared), _first(came, shared), strict=True) if a != b
    )


def _first(digests: Iterable[bytes], shared: Counter[bytes]) -> list[bytes]:
    """The first occurrences of each digest, as many as both sides have."""
    left = Counter(shared)
    kept: list[bytes] = []
    for digest in digests:
        if left[digest]:
            left[digest] -= 1
            kept.append(digest)
    return kept


def loads_from(loads: Loads, target: Mapping[int, Sequence[Seen]]) -> Loads:
    """`loads` without what lies before the first record read of each partition."""
    first = {partition: sees[0].offset for partition, sees in target.items() if sees}

    def read(place: Place) -> bool:
        return place[0] in first and place[1] >= first[place[0]]

    return Loads(
        rows={place: row for place, row in loads.rows.items() if read(place)},
        quarantined=frozenset(place for place in loads.quarantined if read(place)),
    )


def compare_loads(
    source: Mapping[int, Sequence[Seen]], target: Mapping[int, Sequence[Seen]], loads: Loads
) -> LoadTally:
    """Every target record is a row or in quarantine, never both, and no event has more rows than sources.

    A row's coordinates are the target's: a record the mirror wrote twice has two rows, which coordinates
    alone would call right; so events are counted against the source too.
    """
    records = {
        (partition, seen.offset): seen.click for partition, sees in target.items() for seen in sees
    }
    rows = {place: row for place, row in loads.rows.items() if place in records}
    strays = len(loads.rows) - len(rows)
    both = sum(1 for place in rows if place in loads.quarantined)
    return LoadTally(
        lost=sum(1 for place in records if place not in rows and place not in loads.quarantined),
        duplicate=strays + both + _surplus(source, rows),
        altered=sum(1 for place, row in rows.items() if records[place] != row),
    )


def _surplus(source: Mapping[int, Sequence[Seen]], rows: Mapping[Place, Columns]) -> int:
    meant = Counter(
        seen.click[0] for sees in source.values() for seen in sees if seen.click is not None
    )
    held = Counter(row[0] for row in rows.values())
    return (held - meant).total()
