"""Which writes a pass makes, and in which order: the record before what it records, nothing that stands already. Pure."""

from collections.abc import Iterator, Mapping

import msgspec

from autoscale.control.events import Change
from autoscale.control.holding import holds, recorded
from autoscale.control.look import Look, Seen
from autoscale.control.status import Troubles, status_of
from autoscale.kube.objects import Buffer, Scalable
from autoscale.kube.ports import Ask
from autoscale.kube.resources import PROMOTIONS
from autoscale.kube.writes import Place, apply, merge
from autoscale.plan.model import Plan
from autoscale.targets.holders import Shape, hold, let_go
from autoscale.targets.pools import GroupSeen
from autoscale.targets.snapshot import Snapshot
from autoscale.targets.workloads import Target
from autoscale.targets.writes import differs, restore, set_floor, wake
from contracts.promotion import Baseline, PromotionStatus, workload_keys

FINALIZER = "isthmus.dev/restore"
FORCE = "isthmus.dev/force-restore"
"""Annotation: a deleted promotion's baseline is restored at once, whatever traffic says, and it goes in any case."""


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One write: `key` is what backs off when it fails, `subject` whose it is, `gone` a deletion.

    `records` is one that others of the same pass wait for.
    """

    key: str
    subject: str
    ask: Ask
    gone: bool = False
    records: bool = False
    change: Change | None = None


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, and the versions of the workloads it was made for."""

    plan: Plan
    versions: dict[str, str]


def decided_on(look: Look, plan: Plan) -> Decided:
    """The plan of this look."""
    versions = {key: target.version for key, target in look.targets.items()}
    return Decided(plan=plan, versions=versions)


def finalizers(look: Look, plan: Plan) -> Iterator[Write]:
    """Before anything is recorded: a promotion that holds something must not vanish without giving it back."""
    for one in look.seen.values():
        if one.deleting or FINALIZER in one.meta.finalizers or not holds(one.key, plan):
            continue
        content = {"metadata": {"finalizers": [*one.meta.finalizers, FINALIZER]}}
        yield Write(
            key=f"finalizer {one.key}", subject=one.key,
            ask=merge(_place(one), content),
        )  # fmt: skip


def statuses(look: Look, plan: Plan, troubles: Troubles) -> Iterator[Write]:
    """What changed of what is said; with records only where the finalizer guards them."""
    for one in look.seen.values():
        made = status_of(one, look, plan, troubles)
        if made == one.status:
            continue
        guarded = FINALIZER in one.meta.finalizers
        if not guarded and (made.baselines or made.pool_baselines) and not one.deleting:
            continue
        yield Write(
            key=f"status {one.key}", subject=one.key, records=_records_differ(one, made), change=Change(meta=one.meta, before=one.status, after=made),
            ask=apply(_place(one), {"status": _plain(made)}, force=True, subresource="status"),
        )  # fmt: skip


def _records_differ(one: Seen, made: PromotionStatus) -> bool:
    before = one.status
    return (made.baselines, made.pool_baselines) != (before.baselines, before.pool_baselines)


def _plain(status: PromotionStatus) -> object:
    return _without_nulls(msgspec.to_builtins(status))


def _without_nulls(plain: object) -> object:
    match plain:
        case dict():
            known = msgspec.convert(plain, dict[str, object])
            return {name: _without_nulls(it) for name, it in known.items() if it is not None}
        case list() | tuple():
            return [_without_nulls(it) for it in msgspec.convert(plain, list[object])]
        case _:
            return plain


def workloads(
    look: Look, decided: Decided, snapshot: Snapshot, *, restore_s: float
) -> Iterator[Write]:
    """Floors; each only once a record of what was there is stored.

    A workload that changed since the plan was made waits for the next one: it may be somebody else's by now.
    """
    plan = decided.plan
    for key, target in look.targets.items():
        if decided.versions.get(key) != target.version:
            continue
        planned = plan.workloads.get(key)
        baseline = look.words[key].baseline
        if target.ours and baseline is not None and _is_over(key, look, plan, restore_s=restore_s):
            yield _workload(key, restore(target, baseline))
        elif target.partly_ours and not target.ours and not _is_held(key, look, plan):
            yield from _rest(target, look)
        elif planned is None or baseline is None:
            continue
        elif planned.action == "restore" and target.ours:
            yield _workload(key, restore(target, baseline))
        elif planned.action == "lower" or (planned.action == "raise" and recorded(key, look)):
            yield from _set(
                target, baseline, snapshot, floor=planned.floor, ceiling=planned.ceiling
            )


def _rest(target: Target, look: Look) -> Iterator[Write]:
    """The floor was taken by somebody else; what is left of ours goes back."""
    for one in recorded(target.key, look, leaving=True)[:1]:
        entry = next(e for e in one.status.baselines if e.workload == target.key)
        yield _workload(target.key, restore(target, entry))


def _set(
    target: Target, baseline: Baseline, snapshot: Snapshot, *, floor: int, ceiling: int | None
) -> Iterator[Write]:
    if differs(target, floor=floor, ceiling=ceiling):
        ask = set_floor(target, baseline, floor=floor, ceiling=ceiling)
        yield _workload(target.key, ask)
    first = wake(target, snapshot)
    if first is not None:
        yield Write(key=f"wake {target.key}", subject=target.key, ask=first)


def _workload(key: str, ask: Ask) -> Write:
    return Write(key=key, subject=key, ask=ask)


def _is_over(key: str, look: Look, plan: Plan, *, restore_s: float) -> bool:
    """Whether only deleted promotions have it, and they waited long enough or were told not to wait."""
    having = recorded(key, look, leaving=True)
    if any(not one.deleting for one in having) or _is_held(key, look, plan):
        return False
    return any(_waited(one, look, restore_s=restore_s) for one in having)


def _is_held(key: str, look: Look, plan: Plan) -> bool:
    return any(
        one.promotion is not None and holds(one.key, plan) and key in workload_keys(one.promotion)
        for one in look.seen.values()
    )


def _waited(one: Seen, look: Look, *, restore_s: float) -> bool:
    since = one.meta.deletion_timestamp
    if one.meta.annotations.get(FORCE) == "true":
        return True
    return since is not None and (look.now - since).total_seconds() >= restore_s


def pools(
    look: Look, plan: Plan, snapshot: Snapshot, *, shapes: Mapping[str, Shape]
) -> Iterator[Write]:
    """Nodes held by objects of ours; node groups of clouds are written by their adapters."""
    version = snapshot.buffer_version
    for pool, seen in look.pools.items():
        planned = plan.pools.get(pool)
        if seen.means == "group" or planned is None:
            continue
        holders = [key for key in planned.promotions if key in plan.promotions]
        if not holders or planned.restore:
            yield from _gone(pool, seen.standing, version)
            yield from _gone(pool, seen.stale, version)
            continue
        if not any(_has_record(look.seen[key], pool) for key in holders if key in look.seen):
            continue
        if not seen.ours or seen.minimum != planned.nodes:
            for ask in hold(seen, planned.nodes, shapes[pool], buffer_version=version):
                yield Write(key=f"pool {pool}", subject=pool, ask=ask)
        yield from _gone(pool, seen.stale, version)


def _gone(pool: str, held: Scalable | Buffer | GroupSeen | None, version: str) -> Iterator[Write]:
    if isinstance(held, Scalable | Buffer):
        for ask in let_go(held, buffer_version=version):
            yield Write(key=f"pool {pool}", subject=pool, ask=ask, gone=True)


def _has_record(one: Seen, pool: str) -> bool:
    return any(entry.pool == pool for entry in one.status.pool_baselines)


def farewells(look: Look, refused: Mapping[str, str], *, restore_s: float) -> Iterator[Write]:
    """A deleted promotion goes once nothing of it stands that nobody else has a record of; forced, in any case."""
    for one in look.seen.values():
        if not one.deleting or FINALIZER not in one.meta.finalizers:
            continue
        left = [entry.workload for entry in one.status.baselines if _stands(entry, one, look)]
        # refused once is not refused for good: it is tried for as long again
        late = _waited(one, look, restore_s=2 * restore_s)
        if left and not (late and all(key in refused for key in left)):
            continue
        rest = [name for name in one.meta.finalizers if name != FINALIZER]
        yield Write(
            key=f"finalizer {one.key}", subject=one.key,
            ask=merge(_place(one), {"metadata": {"finalizers": rest}}),
        )  # fmt: skip


def _stands(entry: Baseline, one: Seen, look: Look) -> bool:
    target = look.targets.get(entry.workload)
    if target is None or not target.partly_ours:
        return False
    return all(other.key == one.key for other in recorded(entry.workload, look))


def _place(one: Seen) -> Place:
    return Place(
        resource=PROMOTIONS, namespace=one.meta.namespace, name=one.meta.name,
        version=one.meta.resource_version,
    )  # fmt: skip
