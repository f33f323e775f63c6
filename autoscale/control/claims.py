"""What a workload had before the first write, whose it is now, and when that record is made, kept and dropped. Pure.

The record (`Baseline`) stands in the status of every promotion that holds the workload, before the first write. Whether
a value is still ours is not remembered: the API server's managedFields say it, atomically with the value, so a crash
between any two writes leaves nothing to guess:

    record   floor ours   what it means                               what follows
    -        no           nothing was done                            record, then write
    yes      no           recorded, not written yet                   write          (written empty, all as recorded)
    yes      yes          it stands                                   step, hold, or restore
    yes      no           restored, or taken by somebody else         Yield: hold; nobody needs it: drop the record
                                                                      (after the ceiling, where that is still ours)
    -        yes          the record was lost                         nothing is written; said as a conflict

Restoring writes the baseline *under the name of the manager it belonged to*, which takes the field from us in the
same write: restored twice is impossible, since the second time it is not ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from autoscale.targets.workloads import Target
from contracts.promotion import Baseline

LOST = "isthmus-autoscale without a recorded baseline"


class Claim(msgspec.Struct, frozen=True):
    """One promotion's record of one workload; `current` until it has ended or is being deleted."""

    promotion: str
    entry: Baseline
    current: bool


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What the records say of a workload: its baseline, None where none counts, and who else scales it."""

    baseline: Baseline | None
    owner: str


def word_of(target: Target, claims: Sequence[Claim]) -> Word:
    """Judge the records of a workload against what stands."""
    owner = target.owns_floor.other
    if target.ours:
        first = _first(claims)
        if first is None:
            return Word(baseline=None, owner=target.autoscaler or LOST)
        return Word(baseline=first, owner=target.autoscaler)
    first = _first([claim for claim in claims if claim.current])
    if first is None:
        declares = owner.manager if owner.declares else ""
        return Word(baseline=None, owner=target.autoscaler or declares)
    taken = first.written is not None or (target.floor, owner.manager) != (
        first.floor,
        first.manager,
    )
    name = owner.manager or "somebody who left no name"
    return Word(baseline=first, owner=target.autoscaler or (name if taken else ""))


def _first(claims: Iterable[Claim]) -> Baseline | None:
    return min((claim.entry for claim in claims), key=lambda one: one.since, default=None)


def record_of(target: Target, now: datetime) -> Baseline:
    """What there is before the first write."""
    return Baseline(
        workload=target.key, floor=target.floor, ceiling=target.ceiling,
        manager=target.owns_floor.other.manager, since=now.replace(microsecond=0),
    )  # fmt: skip


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan says of one workload for the records of one promotion.

    `holds`: it needs the workload now. `raises`: the plan writes a floor. `elsewhere`: another promotion that
    holds it has the record too.
    """

    holds: bool
    raises: bool
    elsewhere: bool


def entries_after(
    entries: Sequence[Baseline], targets: Mapping[str, Target], *,
    words: Mapping[str, Word], held: Mapping[str, Held], now: datetime,
) -> tuple[Baseline, ...]:  # fmt: skip
    """The records a promotion should have now: new ones made, kept ones brought up to date, spent ones dropped."""
    found: dict[str, Baseline] = {}
    for entry in entries:
        target = targets.get(entry.workload)
        kept = _kept(entry, target, held.get(entry.workload))
        if kept is not None:
            found[entry.workload] = kept
    for key, how in held.items():
        target, word = targets.get(key), words.get(key)
        if key in found or target is None or word is None or not how.holds:
            continue
        if word.baseline is not None:
            found[key] = _updated(word.baseline, target)
        elif how.raises:
            found[key] = record_of(target, now)
    return tuple(found[key] for key in sorted(found))


def _kept(entry: Baseline, target: Target | None, held: Held | None) -> Baseline | None:
    holds = held is not None and held.holds
    if target is None:
        # gone for the moment, perhaps: while it is needed the record waits for it
        return entry if holds else None
    if target.partly_ours:
        spare = not holds and held is not None and held.elsewhere
        return None if spare else _updated(entry, target)
    return entry if holds else None


def _updated(entry: Baseline, target: Target) -> Baseline:
    if not target.ours or entry.written == target.floor:
        return entry
    return msgspec.structs.replace(entry, written=target.floor)
