"""The verdict of a chaos run, derived from what is left of it. Pure: facts in, reasons out.

Chaos Toolkit calls a run "completed" when the baseline did not hold, an action raised, a rollback failed or the
steady state broke and came back. Here each of these is a reason of its own, and the first in order is the verdict.
"""

import itertools
from collections.abc import Iterator
from typing import get_args

import msgspec

from contracts.chaos import ChaosReason, ChaosReasonId, ChaosVerdict, FaultRecovery

ORDER: tuple[ChaosReasonId, ...] = get_args(ChaosReasonId)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the steady state, in wall seconds: `probe` is the last one asked, `raised` why it could not look."""

    start_s: float
    end_s: float
    met: bool
    probe: str = ""
    raised: str = ""

    @property
    def broken(self) -> bool:
        """Whether it was seen not to hold."""
        return not self.met and not self.raised


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One activity of the method or the rollbacks; `failed` is why, empty for one that did not.

    `said_no`: a probe of the method that could look and did not like what it saw.
    """

    kind: str
    name: str
    failed: str = ""
    said_no: bool = False


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What Chaos Toolkit's journal says."""

    status: str
    before: Look | None = None
    during: tuple[Look, ...] = ()
    after: Look | None = None
    method: tuple[Step, ...] = ()
    rollbacks: tuple[Step, ...] = ()


class Injected(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of our own journal, when it took effect in wall seconds."""

    id: str
    at_s: float
    proven: bool
    proof: str


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a fault may keep the steady state broken; how far looks may be apart while the method runs."""

    rto_s: float
    gap_s: float = 0.5


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything there is to judge by. `died`: the runner was killed and somebody else looks at what it left.

    `starved_s`: in how many seconds the routers waited for a processor over half of the time.
    """

    limits: Limits
    played: Played | None = None
    fell_over: str = ""
    died: bool = False
    safeguard: str = ""
    injected: tuple[Injected, ...] = ()
    open_leases: tuple[str, ...] = ()
    not_healed: str = ""
    restored: Look | None = None
    starved_s: int = 0


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict and what it stands on."""

    verdict: ChaosVerdict
    reasons: tuple[ChaosReason, ...]
    recoveries: tuple[FaultRecovery, ...]
    looks: int
    gap_s: float


def judge(facts: Facts) -> Judged:
    """The verdict; `passed` only when every check could be made and none found anything."""
    played = facts.played or Played(status="")
    gap_s = _gap_s(played.during)
    recoveries = _recoveries(facts.injected, played.during)
    reasons = [
        *_ended(facts),
        *_probes(facts, played, gap_s),
        *_starved(facts, recoveries),
        *_baseline(facts, played),
        *_actions(facts, played),
        *_rollbacks(facts, played),
        *_restored(facts, played),
        *_deviated(facts, played, recoveries),
    ]
    reasons.sort(key=lambda reason: ORDER.index(reason.id))
    return Judged(
        verdict=reasons[0].id if reasons else "passed",
        reasons=tuple(reasons),
        recoveries=recoveries,
        looks=len(played.during),
        gap_s=gap_s,
    )


def _ended(facts: Facts) -> Iterator[ChaosReason]:
    played = facts.played
    if facts.fell_over:
        yield ChaosReason(id="error", text=facts.fell_over)
    elif played is None and not facts.died:
        yield ChaosReason(id="error", text="the runner left no journal")
    if facts.died:
        yield ChaosReason(id="interrupted", text="the runner died before it could judge")
    elif played is not None and played.status == "interrupted" and not facts.safeguard:
        yield ChaosReason(id="interrupted", text="a signal ended the run")
    if facts.safeguard:
        yield ChaosReason(id="aborted", text=f"safeguard: {facts.safeguard}")
    elif played is not None and played.status == "aborted":
        yield ChaosReason(
            id="aborted", text="Chaos Toolkit gave up; see toolkit.log beside the journal"
        )


def _looks(facts: Facts, played: Played) -> Iterator[tuple[str, Look]]:
    if played.before is not None:
        yield "before the method", played.before
    yield from (("during the method", look) for look in played.during)
    if played.after is not None:
        yield "after the method", played.after
    if facts.restored is not None:
        yield "after the rollback", facts.restored


def _probes(facts: Facts, played: Played, gap_s: float) -> Iterator[ChaosReason]:
    raised: dict[str, ChaosReason] = {}
    for when, look in _looks(facts, played):
        if look.raised:
            text = f"{look.probe}, {when}: {look.raised}"
            raised.setdefault(look.probe, ChaosReason(id="probe_error", text=text))
    yield from raised.values()
    for step in played.method:
        if step.kind == "probe" and step.failed:
            yield ChaosReason(id="probe_error", text=f"{step.name}: {step.failed}")
    if gap_s > facts.limits.gap_s:
        yield ChaosReason(
            id="probe_error", text="looks at the steady state were too far apart",
            measured=gap_s, limit=facts.limits.gap_s,
        )  # fmt: skip
    if facts.injected and played.status == "completed" and not played.during:
        yield ChaosReason(id="probe_error", text="nobody looked while the method ran")


def _starved(facts: Facts, recoveries: tuple[FaultRecovery, ...]) -> Iterator[ChaosReason]:
    """A limit in time that was broken where the machine let nobody run is no measurement."""
    if facts.starved_s and any(it.rto_s > facts.limits.rto_s for it in recoveries):
        yield ChaosReason(
            id="probe_error", measured=float(facts.starved_s),
            text="the routers had to wait for a processor: no time was measured, seconds starved",
        )  # fmt: skip


def _baseline(facts: Facts, played: Played) -> Iterator[ChaosReason]:
    if played.before is not None and played.before.broken:
        yield ChaosReason(id="baseline_not_met", text=f"{played.before.probe}: said no")
        return
    first_s = min((fault.at_s for fault in facts.injected), default=0.0)
    early = [look for look in played.during if look.broken and look.end_s < first_s]
    if early:
        text = f"{early[0].probe}: said no before anything was injected"
        yield ChaosReason(id="baseline_not_met", text=text)


def _began(played: Played) -> bool:
    """Whether the baseline held, so that the method was entered."""
    return played.before is not None and played.before.met


def _actions(facts: Facts, played: Played) -> Iterator[ChaosReason]:
    failed = [it for it in played.method if it.kind == "action" and it.failed]
    for step in failed:
        yield ChaosReason(id="action_failed", text=f"{step.name}: {step.failed}")
    if not failed:
        for fault in facts.injected:
            if not fault.proven:
                yield ChaosReason(id="action_failed", text=f"{fault.id}: not proven: {fault.proof}")
    ended_early = facts.died or bool(facts.safeguard) or played.status in {"interrupted", "aborted"}
    if not facts.injected and not failed and _began(played) and not ended_early:
        yield ChaosReason(id="action_failed", text="the method injected nothing")


def _rollbacks(facts: Facts, played: Played) -> Iterator[ChaosReason]:
    for step in played.rollbacks:
        if step.failed:
            yield ChaosReason(id="rollback_failed", text=f"{step.name}: {step.failed}")
    ended = facts.played is not None and not facts.died and not facts.fell_over
    if facts.injected and not played.rollbacks and ended:
        yield ChaosReason(id="rollback_failed", text="no rollback was played")


def _restored(facts: Facts, played: Played) -> Iterator[ChaosReason]:
    if facts.open_leases:
        names = ", ".join(facts.open_leases)
        text = f"in force: {names}; fix: isthmus chaos heal --all"
        yield ChaosReason(id="not_restored", text=text)
    elif facts.not_healed:
        yield ChaosReason(id="not_restored", text=facts.not_healed)
    if facts.restored is not None and facts.restored.broken:
        text = f"{facts.restored.probe}: said no after the rollback"
        yield ChaosReason(id="not_restored", text=text)
    if facts.restored is None and _began(played) and not facts.died and not facts.fell_over:
        yield ChaosReason(id="not_restored", text="nobody looked after the rollback")


def _deviated(
    facts: Facts, played: Played, recoveries: tuple[FaultRecovery, ...]
) -> Iterator[ChaosReason]:
    for recovery in recoveries:
        if recovery.rto_s > facts.limits.rto_s:
            yield ChaosReason(
                id="deviated", text=f"{_broken_by(facts, played, recovery)} after {recovery.fault}",
                measured=recovery.rto_s, limit=facts.limits.rto_s,
            )  # fmt: skip
    for step in played.method:
        if step.said_no:
            yield ChaosReason(id="deviated", text=f"{step.name}: said no in the method")
    if played.after is not None and played.after.broken:
        text = f"{played.after.probe}: said no at the end of the method"
        yield ChaosReason(id="deviated", text=text)
    if played.status == "completed" and _began(played) and played.after is None:
        yield ChaosReason(id="deviated", text="nobody looked at the end of the method")


def _broken_by(facts: Facts, played: Played, recovery: FaultRecovery) -> str:
    """The last probe that said no in the time of this fault."""
    at_s = next(it.at_s for it in facts.injected if it.id == recovery.fault)
    end_s = at_s + recovery.rto_s
    said = [it.probe for it in played.during if it.broken and at_s < it.end_s <= end_s + 1e-6]
    return f"{said[-1] if said else 'a probe'}: still said no"


def _gap_s(during: tuple[Look, ...]) -> float:
    """The longest time from one look's start to the next one's."""
    pairs = itertools.pairwise(during)
    return max((later.start_s - earlier.start_s for earlier, later in pairs), default=0.0)


def _recoveries(
    injected: tuple[Injected, ...], during: tuple[Look, ...]
) -> tuple[FaultRecovery, ...]:
    """Per fault: from its effect to the end of the last look that found the state broken before the next fault."""
    ordered = sorted(injected, key=lambda fault: fault.at_s)
    ends = [*(fault.at_s for fault in ordered[1:]), float("inf")]
    return tuple(
        FaultRecovery(
            fault=fault.id,
            rto_s=max(
                (look.end_s - fault.at_s for look in during if look.broken and fault.at_s < look.end_s <= end_s),
                default=0.0,
            ),
        )
        for fault, end_s in zip(ordered, ends, strict=False)
    )  # fmt: skip


EXIT_OK, EXIT_NEGATIVE, EXIT_USAGE, EXIT_INVALID, EXIT_INTERRUPTED, EXIT_NOT_HEALED = range(6)


def exit_code(verdict: ChaosVerdict, reasons: tuple[ChaosReason, ...]) -> int:
    """The command's exit code: a fault that is not healed outranks the verdict."""
    if any(reason.id in {"not_restored", "refused_faults"} for reason in reasons):
        return EXIT_NOT_HEALED
    match verdict:
        case "passed":
            return EXIT_OK
        case "deviated":
            return EXIT_NEGATIVE
        case "interrupted" | "aborted":
            return EXIT_INTERRUPTED
        case _:
            return EXIT_INVALID
