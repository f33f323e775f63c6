"""What the proofs of a run say: orders, events, leaks, chains, taps, the chaos run's own verdict. Pure."""

from collections.abc import Iterator

from contracts.gate import GateReason, GateReasonId
from contracts.slo import Slo
from loadtest.gate.measured import Measured, Proofs

DEVIATED = frozenset({"deviated", "not_restored"})


def evidence_reasons(measured: Measured, slo: Slo, seconds: frozenset[int]) -> Iterator[GateReason]:
    """One reason for every violation the proofs show; those of requests in the judged seconds only."""
    yield from _above(_requests(measured, seconds), slo.failed_idempotent_max)
    proofs = measured.proofs
    if proofs.chaos is not None and proofs.chaos.verdict != "passed":
        reason: GateReasonId = (
            "chaos_deviated" if proofs.chaos.verdict in DEVIATED else "chaos_invalid"
        )
        yield GateReason(id=reason, scope=proofs.chaos.verdict, measured=1, limit=0)
    yield from _above(_stores(proofs))
    if proofs.evidence is not None and not proofs.evidence.chain_ok:
        yield GateReason(id="evidence_chain", measured=0, limit=1)
    yield from _taps(measured, slo)


def _above(counts: Iterator[tuple[GateReasonId, int]], failed_max: int = 0) -> Iterator[GateReason]:
    for reason, count in counts:
        limit = failed_max if reason == "failed_idempotent" else 0
        if count > limit:
            yield GateReason(id=reason, measured=count, limit=limit)


def _requests(measured: Measured, seconds: frozenset[int]) -> Iterator[tuple[GateReasonId, int]]:
    rows = [it for it in measured.rows if int(measured.second_of(it.intended_mono_ns)) in seconds]
    # Those that got no answer because nobody was there say so once, as `target_unreachable`.
    if any(row.status for row in rows) or any(cell.ok for cell in measured.cells):
        yield (
            "failed_idempotent",
            sum(
                row.kind in measured.idempotent
                and row.kind not in measured.orders
                and row.outcome in {"failed", "unknown"}
                for row in rows
            ),
        )
        yield (
            "orders_failed",
            sum(row.kind in measured.orders and row.outcome != "ok" for row in rows),
        )


def _stores(proofs: Proofs) -> Iterator[tuple[GateReasonId, int]]:
    if (orders := proofs.orders) is not None:
        yield "orders_lost", orders.lost
        yield "orders_duplicate", orders.duplicate
        yield "orders_phantom", orders.phantom
        yield "orders_mismatch", orders.mismatch
        yield "orders_idempotency", orders.idempotency
        yield "orders_unexpected", orders.unexpected
        yield "orders_misplaced", orders.misplaced
    if (bridge := proofs.bridge) is not None:
        topics = bridge.topics
        lost = sum(it.lost + it.altered + it.reordered + it.warehouse_lost for it in topics)
        duplicate = sum(it.duplicate + it.warehouse_duplicate for it in topics)
        # `ok` is the checker's own word; it may know of more than its counts.
        yield "events_lost", lost if bridge.ok or lost or duplicate else 1
        yield "events_duplicate", duplicate


def _taps(measured: Measured, slo: Slo) -> Iterator[GateReason]:
    taps = measured.proofs.taps
    if not taps:
        return
    hits = {hit.canary for tap in taps for hit in tap.hits}
    if hits:
        yield GateReason(id="leak_public", measured=len(hits), limit=0)
    if errors := sum(tap.errors for tap in taps):
        yield GateReason(id="tap_errors", measured=errors, limit=0)
    must = {
        row.beacon
        for row in measured.rows
        if row.beacon and row.served.partition("/")[0] in slo.public_sites
    }
    seen = must & measured.proofs.beacons_seen
    # No beacon at all proves no tap.
    if seen != must or not must:
        yield GateReason(id="tap_beacons", measured=len(seen), limit=max(len(must), 1))


def proof_words(proofs: Proofs) -> dict[str, str]:
    """What was there to be judged, in a few words each."""
    found: dict[str, str] = {}
    if proofs.faults is not None:
        found["faults"] = f"{len(proofs.faults)} in the journal"
    if proofs.chaos is not None:
        found["chaos run"] = f"{proofs.chaos.experiment}: {proofs.chaos.verdict}"
    if proofs.evidence is not None:
        chain = "whole" if proofs.evidence.chain_ok else "broken"
        found["evidence"] = f"{proofs.evidence.records:,} records, chain {chain}"
    if proofs.bridge is not None:
        records = sum(topic.source_records for topic in proofs.bridge.topics)
        found["bridge"] = f"{records:,} records, {'ok' if proofs.bridge.ok else 'not ok'}"
    if proofs.taps:
        found["taps"] = ", ".join(f"{tap.relay}: {tap.beacons:,} beacons" for tap in proofs.taps)
    if proofs.orders is not None:
        found["orders"] = f"{proofs.orders.acked:,} acknowledged of {proofs.orders.invoked:,}"
    return found | {name: f"unreadable: {why}" for name, why in proofs.unreadable.items()}
