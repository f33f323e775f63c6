"""Which rows count for which fault."""

from pathlib import Path

from cli.demo_facts import Gathering, _failover
from cli.demo_options import DemoOptions, load_plan
from contracts.fault import FaultRecord
from contracts.load import LoadSummary, RequestRow
from runtime.cpu_wait import CpuWait
from tests.cli.places import place

MS = 1_000_000
KILL = FaultRecord(
    id="1", kind="node_kill", targets=("ad-1", "ad-2", "ad-3"), injected_mono_ns=1000 * MS,
    healed_mono_ns=9000 * MS, proven=True, proof="",
)  # fmt: skip
CUT = FaultRecord(
    id="2", kind="link_cut", targets=("link",), injected_mono_ns=2000 * MS, healed_mono_ns=3000 * MS,
    proven=True, proof="",
)  # fmt: skip


def row(at_ms: int, **changes: object) -> RequestRow:
    fields: dict = {
        "n": 1, "intended_mono_ns": at_ms * MS, "latency_us": 1000, "late_us": 0, "operation": "ads",
        "expected": "public", "door": "core", "status": 200, "outcome": "ok", "idempotent": True,
        "attempts": 1, "served_site": "public", "beacon": "", "canary": 0, "event_id": "",
    }  # fmt: skip
    return RequestRow(**{**fields, **changes})


def gathering(rows: list[RequestRow], faults: tuple[FaultRecord, ...]) -> Gathering:
    options = DemoOptions(root=Path(), seed=1, rate=600, duration_s=15)
    summary = LoadSummary(
        run="r", planned=1, sent=1, completed=1, late_sends=0, cpu_s=1, wall_s=1,
        started_mono_ns=0, ended_mono_ns=10_000 * MS,
    )  # fmt: skip
    plan = load_plan(options, run="r", core="c", edge="e")
    return Gathering(
        place=place(), folder=Path(), plan=plan, rows=rows, summary=summary, faults=faults,
        cpu_wait=CpuWait(()),
    )  # fmt: skip


def test_a_slow_ad_between_kill_and_cut_counts_for_the_kill() -> None:
    """Its time after the kill is the recovery time."""
    failover = _failover(gathering([row(1040, latency_us=300_000)], (KILL, CUT)))
    assert (failover.killed, failover.rto_ms, failover.site_cut_rto_ms) == (3, 40, 0)


def test_a_failed_core_ad_during_the_cut_counts_for_the_cut() -> None:
    """And for nothing else, though it failed for good."""
    failover = _failover(gathering([row(2400, outcome="failed")], (KILL, CUT)))
    assert (failover.rto_ms, failover.site_cut_rto_ms, failover.failed_idempotent) == (0, 400, 1)


def test_only_the_edge_counts_as_edge_and_only_during_the_cut() -> None:
    """The promise is that a cut link leaves the edge untouched."""
    rows = [row(2100, door="edge", outcome="failed"), row(500, door="edge", outcome="failed")]
    assert _failover(gathering(rows, (KILL, CUT))).edge_failed == 1


def test_slow_orders_are_not_the_ad_nodes_recovery() -> None:
    """An order whose answer was lost is retried and slow by design."""
    slow = row(1500, operation="order", expected="sensitive", latency_us=900_000)
    assert _failover(gathering([slow], (KILL, CUT))).rto_ms == 0


def test_an_ad_caught_under_way_by_the_cut_is_not_the_kill_s() -> None:
    """Intended just before the cut and hit by it: that says nothing of how the dead nodes were survived."""
    caught = row(1995, latency_us=260_000)
    assert _failover(gathering([caught], (KILL, CUT))).rto_ms == 0
