"""One full example of every contract root, and the golden files made of them.

A golden file only changes together with the contract: `python -m tests.contracts.examples` writes them anew.
"""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec

from contracts.base import Contract
from contracts.bridge import BridgeStatus, BridgeVerify, SliceStatus, TopicVerify
from contracts.capacity import Capacity, CapacityLevel, Interval, ServiceCapacity, UslFit
from contracts.chaos import (
    ChaosHistory,
    ChaosReason,
    ChaosResult,
    ChaosStart,
    ExperimentScore,
    FaultRecovery,
)
from contracts.cloud import CloudState, ProcessRecord
from contracts.cluster import ClusterSpec, ClusterState, NodePool
from contracts.control import ControlReply, ControlRequest
from contracts.drive import (
    DrivePlan,
    DriveRow,
    DriveRun,
    Feed,
    LoadCell,
    MachineSecond,
    Phase,
    Pulse,
    RequestTemplate,
    Segment,
    WorkerSummary,
)
from contracts.events import ClickEvent
from contracts.evidence import AuditReport, ChainedRecord, EvidenceRecord
from contracts.fault import FaultRecord, Lease
from contracts.flows import FlowReason, FlowReport, FlowSettings, FlowStage, FlowStep, FlowTally
from contracts.gate import (
    BudgetFigures,
    CompareReport,
    Difference,
    FaultFigures,
    GateReason,
    GateReport,
    GeneratorFigures,
    HeadroomFigures,
    PhaseFigures,
    SecondFigures,
)
from contracts.history import LedgerRow, OrderCheck, OrderEvent
from contracts.load import LoadPlan, LoadSummary, RequestRow
from contracts.orders import OrdersStats
from contracts.promotion import (
    Baseline,
    Budget,
    Latency,
    PlanCondition,
    PlanHour,
    PlannedPromotion,
    PlanReport,
    PoolBaseline,
    PromotedNodes,
    PromotedWorkload,
    Promotion,
    PromotionCondition,
    PromotionSpec,
    PromotionStatus,
    Release,
    WorkloadRef,
)
from contracts.ready import Ready
from contracts.report import (
    ClassFigures,
    Events,
    Evidence,
    Failover,
    Leaks,
    Orders,
    Reason,
    Report,
    Requests,
)
from contracts.schema import file_name
from contracts.settings import BridgeSettings, RouterLimits, RouterSettings
from contracts.slo import (
    BudgetObjective,
    CapacityObjective,
    ClassObjective,
    FaultObjective,
    Forecast,
    GeneratorObjective,
    Slo,
)
from contracts.tap import Canary, TapHit, TapReport

CHINA = timezone(timedelta(hours=8))
GOLDEN = Path(__file__).with_name("golden")

FAULT = FaultRecord(
    id="01-node_kill",
    kind="node_kill",
    targets=("ad-2", "ad-5"),
    injected_mono_ns=1_000,
    healed_mono_ns=2_000,
    proven=True,
    proof="2 of 10 ad nodes killed",
)
FIGURES = ClassFigures(sent=9, ok=8, failed=1, shed=0, p50_ms=1.5, p99_ms=9.25, p999_ms=12.0)
RANGE = Interval(value=2.0, low=1.5, high=2.5)
CAPACITY = Capacity(
    run="r1", wall_ms=1, services={
        "ads": ServiceCapacity(
            replicas=10, measured_rps=1_000.0, replica_rps=100.0, replica_rps_low=90.0,
            confidence="high", why="",
            fit=UslFit(
                points=9, rate=RANGE, sigma=RANGE, kappa=RANGE, knee=RANGE, peak_rps=RANGE,
                r_squared=0.99,
            ),
            levels=(
                CapacityLevel(
                    offered_rps=1_000.0, ok_rps=1_000.0, ok_rps_low=990.0, concurrency=9.5,
                    p99_ms=40.0, good=True,
                ),
            ),
        ),
    },
)  # fmt: skip
CHECK = OrderCheck(
    invoked=9, acked=8, unknown=1, lost=0, duplicate=1, phantom=0, mismatch=0, idempotency=0,
    unexpected=0, examples={"duplicate": ("k",)}, misplaced=0,
)  # fmt: skip
WORKER = WorkerSummary(
    worker=0, planned=9, sent=9, completed=9, late=0, connects=2, refused=0, cpu_s=0.5, wall_s=1.5,
    ended_mono_ns=2,
)  # fmt: skip

CHAOS_RUN = ChaosResult(
    run="r1", experiment="link-cut", title="The link is cut", digest="ab", seed=7, tier="tier0",
    verdict="deviated",
    reasons=(ChaosReason(id="deviated", text="ads at the core", measured=2.5, limit=1.0),),
    started_wall_s=1.0, duration_s=9.5, faults=(FAULT,),
    recoveries=(FaultRecovery(fault="02-link_cut", rto_s=2.5),), rto_limit_s=1.0, looks=40,
    probe_gap_s=0.3, journal="/r/journal.json",
)  # fmt: skip

EXAMPLES: tuple[Contract, ...] = (
    AuditReport(
        files=1, records=2, by_kind={"sensitive": 2}, chain_ok=False, torn=1, broken=("e.log:3",)
    ),
    BridgeSettings(
        name="bridge", link="west", site="private", policy="p.yaml", topology="t.yaml",
        control="c.sock", ready="r.json", warehouse_topics=("public.clicks",),
        disable=("eos",),
    ),
    BridgeStatus(
        link="west",
        slices=(
            SliceStatus(
                id="west/clicks/0", topic="clicks", partitions=(0, 2), state="running", reason="",
                committed_records=5, transactions=2, lag_records=1,
            ),
        ),
        warehouse_rows=5, warehouse_lag_records=0, quarantined=0, dead_letters=0,
    ),
    BridgeVerify(
        link="west",
        ok=True,
        topics=(
            TopicVerify(
                topic="clicks", source_records=5, target_records=5, dead_letters=0, lost=0,
                duplicate=0, reordered=0, altered=0, warehouse_rows=5, warehouse_lost=0,
                warehouse_duplicate=0, quarantined=0,
            ),
        ),
    ),
    Canary(id=1, detector="email", place="header", value="canary-a@b.example", form_hex="6361"),
    CAPACITY,
    ChainedRecord(
        record=EvidenceRecord(
            sequence=0, wall_ns=1, kind="raised", policy="d1", route="click", site="private",
            status=202, count=1, reasons=("scan:email:body",),
        ),
        link=b"\x00\x01",
    ),
    ChaosHistory(
        score=75.0,
        experiments=(
            ExperimentScore(
                experiment="link-cut", score=50.0, weight=3.0, last_run="r1",
                last_verdict="deviated", age_h=1.5, failed_check="deviated: ads at the core",
            ),
        ),
        runs=(CHAOS_RUN,),
    ),
    CHAOS_RUN,
    ChaosStart(
        run="r1", experiment="link-cut", title="The link is cut", digest="ab", seed=7,
        tier="tier0", cloud="/r/state.json", runner_pid=1, runner_start_ticks=2,
        started_wall_s=1.0, started_mono_ns=1,
    ),
    ClickEvent(
        event_id="e-1", ad="ad-1", campaign="spring", site="public", node="clicks-1",
        accepted_ms=2, occurred_ms=1, note="left",
    ),
    CloudState(
        id="c1", root="/r", temporary="/t", owner_pid=1, owner_start_ticks=2, keep=True,
        policy="p.yaml", topology="t.yaml", endpoints={"core": "127.0.2.2:80"},
        processes=(
            ProcessRecord(
                name="ad-1", role="ads", site="public", pid=3, start_ticks=4, argv=("python",),
                environ={"A": "b"}, cwd="/", log="l", ready="r", user="nobody",
            ),
        ),
    ),
    ClusterSpec(
        environment="dev", site="public",
        pools=(
            NodePool(
                name="ads", nodes=3, runtime="kwok", traffic_class="public", nodes_max=13,
                taints=("isthmus.dev/spot=true:NoSchedule",),
            ),
        ),
        metrics=False, prometheus=True,
    ),
    ClusterState(
        environment="dev", site="public", ready=True, identifier="isthmus-dev-public-1a2b3c4d",
        endpoint="https://10.96.0.2:6443", kubeconfig="/r/public/kubeconfig",
        pod_network="10.97.0.0/16", peer_pod_network="10.98.0.0/16", nodes={"ads": 3},
        namespace="is1a2b-pub",
    ),
    CompareReport(
        a="r1", b="r2", worse=True,
        differences=(
            Difference(
                traffic="public", metric="p99_ms", a=9.0, b=18.0, ratio=2.0, ratio_low=1.8,
                ratio_high=2.2, p_value=0.001, change="worse",
            ),
        ),
    ),
    ControlReply(ok=False, error="expected ping", data=msgspec.Raw(b'{"a":1}')),
    ControlRequest(op="drop_responses", args={"share": 0.02, "seed": 7}),
    DrivePlan(
        version="isthmus/v1", run="sale", targets={"core": "127.0.2.2:80"},
        feeds={"slots": Feed(values=("home", "cart"))},
        requests=(
            RequestTemplate(
                name="ads", target="core", path="/ads?slot=${slots}", headers={"Accept": "*/*"},
                expect=(200,),
            ),
        ),
        profile=(Segment(name="steady", kind="constant", for_s=60.0, rate=600.0),),
    ),
    DriveRow(
        n=1, intended_mono_ns=2, latency_us=3, late_us=4, kind="ads", status=200, outcome="ok",
        attempts=1, served="public/ad-1", beacon="", canary=0,
    ),
    DriveRun(
        run="sale", seed=1, workers=1, started_mono_ns=1, started_wall_ms=2, ended_mono_ns=3,
        phases=(Phase(name="steady", start_s=0.0, end_s=60.0, rate=600.0, to=600.0),),
        classes={"ads": "public"}, services={"ads": "ads"}, idempotent=("ads",), orders=(),
        summaries=(WORKER,), lost_workers=(), stopped="",
    ),
    FAULT,
    FlowReport(
        run="f1", verdict="INVALID",
        reasons=(FlowReason(id="worker_lost", measured=1.0, limit=0.0),), workers=2,
        lost_workers=1, journeys=9, missed=0, cpu_share=0.2,
        steps={"browse": FlowStep(requests=9, failed=0, p50_ms=2.0, p99_ms=9.0)},
    ),
    FlowSettings(run="f1", seed=1, out="o", stages=(FlowStage(for_s=60.0, users=20),), workers=2),
    FlowTally(started=9, finished=8, missed=0, cpu_share=0.2),
    GateReport(
        verdict="NO-GO", reasons=(GateReason(id="p99", scope="public", measured=9.25, limit=5.0),),
        run="sale", duration_s=60.0, by_class={"public": FIGURES},
        phases=(PhaseFigures(traffic="public", phase="before", figures=FIGURES),),
        faults=(
            FaultFigures(
                id="01-node_kill", kind="node_kill", targets=("ad-2",), at_s=10.0, healed_s=20.0,
                proven=True, proof="gone", traffic="public", rto_ms=40.0, rto_limit_ms=250.0,
                failback_ms=0.0,
            ),
        ),
        budget=(
            BudgetFigures(
                traffic="public", bad=1, allowed=0.5, burn_rate=2.0, window_share=0.01
            ),
        ),
        headroom=(
            HeadroomFigures(
                service="ads", peak_rps=800.0, capacity_rps=1_000.0, headroom=0.2,
                headroom_low=0.1,
            ),
        ),
        generator=GeneratorFigures(
            workers=1, planned=9, sent=9, late=0, cpu_us_per_request=15.0, cpu_share_max=0.4,
            lag_ms_max=1.5, steal_share=0.0, clock_jump_ms=0.1,
        ),
        orders=CHECK, capacity=CAPACITY, proofs={"taps": "2 taps"},
        seconds=(SecondFigures(second=0, sent=9, ok=8, failed=1, shed=0, p50_ms=1.5, p99_ms=9.25),),
        environment={"cpu": "2"},
    ),
    Lease(
        id="01-node_kill", kind="node_kill", targets=("ad-2",), params={"share": 0.3, "seed": 7},
        cloud="/r/state.json", runner_pid=1, runner_start_ticks=2, created_wall_s=1.0,
        expires_wall_s=901.0,
    ),
    LedgerRow(key="k", order_id="o", body_sha="ab"),
    LoadCell(
        second=0, kind="ads", sent=9, ok=8, failed=1, shed=0, unknown=0, late=0, histogram="HISTF",
    ),
    LoadPlan(
        run="r1", seed=7, rate=600.0, duration_s=60.0, core="127.0.2.2:80", edge="127.0.1.2:80",
        mix={"ads": 0.75, "click": 0.25},
    ),
    LoadSummary(
        run="r1", planned=9, sent=9, completed=9, late_sends=0, cpu_s=0.5, wall_s=1.5,
        started_mono_ns=1, ended_mono_ns=2,
    ),
    MachineSecond(second=0, steal_share=0.01, clock_offset_s=1.5),
    CHECK,
    OrderEvent(
        kind="ok", key="k", attempt=2, mono_ns=1, wall_ms=2, body_sha="ab", order_id="o", status=201
    ),
    OrdersStats(
        idempotency=True, committed=9, replayed=1, conflicts=0, drop_share=0.02, drop_seed=7,
        drop_attempts=3, dropped=1,
    ),
    PlanReport(
        ok=False,
        promotions=(
            PlannedPromotion(
                name="shop/singles-day", mode="Auto",
                start=datetime(2026, 11, 11, tzinfo=CHINA), end=datetime(2026, 11, 12, tzinfo=CHINA),
                time_zone="Asia/Shanghai", lead_seconds=3600,
                raise_at=datetime(2026, 11, 10, 23, tzinfo=CHINA),
                ready_at=datetime(2026, 11, 10, 23, 40, tzinfo=CHINA),
                released_at=datetime(2026, 11, 12, 0, 43, tzinfo=CHINA),
                hold_until=datetime(2026, 11, 12, 6, tzinfo=CHINA),
                replicas={"Deployment/shop/ad-service": 167}, nodes={"ads": 10},
                node_hours=257.5, node_hours_max=310.0,
                conditions=(
                    PlanCondition(
                        type="Infeasible", subject="ads", message="6 nodes short", shortfall=6.0
                    ),
                ),
            ),
        ),
        hours=(
            PlanHour(
                begins=datetime(2026, 11, 10, 23, tzinfo=CHINA), nodes={"ads": 13},
                replicas={"Deployment/shop/ad-service": 167}, node_hours=10.0,
                events=("singles-day: nodes ordered",),
            ),
        ),
    ),
    Promotion(
        namespace="shop", name="singles-day", approved=True,
        created=datetime(2026, 11, 1, tzinfo=CHINA),
        spec=PromotionSpec(
            start=datetime(2026, 11, 11, tzinfo=CHINA), end=datetime(2026, 11, 12, tzinfo=CHINA),
            time_zone="Asia/Shanghai", type="flash-sale", mode="Approve", confidence=0.95, lead="24h",
            lead_max="48h",
            release=Release(below=0.6, for_="10m", max_hold="4h", step="20%", every="1m"),
            budget=Budget(node_hours=400.0), conflict_policy="Force",
            workloads=(
                PromotedWorkload(
                    name="ads", ref=WorkloadRef(kind="Deployment", name="ad-service"),
                    expected_peak=12000.0, capacity_per_replica=85.0, utilization=0.8,
                    latency=Latency(slots=4, wait="20ms", share=0.999, balancing="Random"),
                    pool="ads", replicas_per_node=8,
                ),
            ),
            nodes=(PromotedNodes(pool="ads", add=10),),
        ),
    ),
    PromotionStatus(
        phase="Cooling", observed_generation=3, replicas="40/40", nodes="7/13", shortfall=6,
        raise_at=datetime(2026, 11, 10, 23, tzinfo=CHINA),
        hold_until=datetime(2026, 11, 12, 6, tzinfo=CHINA), lead_seconds=3600, node_hours=310.5,
        spent_node_hours=12.25,
        baselines=(
            Baseline(
                workload="Deployment/shop/ad-service", floor=4, ceiling=20, manager="helm",
                written=40, since=datetime(2026, 11, 10, 23, tzinfo=CHINA),
            ),
        ),
        pool_baselines=(PoolBaseline(pool="ads", minimum=3, ready=3),),
        conditions=(
            PromotionCondition(
                type="Infeasible", status="True", reason="PoolTooSmall", message="6 nodes short",
                last_transition_time=datetime(2026, 11, 1, tzinfo=CHINA), observed_generation=3,
            ),
        ),
    ),
    Pulse(second=0, cpu_ms=400.0, lag_us=900, in_flight=3, connections=8),
    Ready(name="ad-1", pid=3, addresses={"http": "127.0.1.11:80"}),
    Report(
        verdict="NO-GO",
        reasons=(Reason(id="rto_node_kill", measured=400.0, limit=250.0),),
        seed=7,
        duration_s=60.0,
        requests=Requests(
            sent=9, ok=8, failed=1, shed=0, late_sends=0, by_class={"public": FIGURES}
        ),
        leaks=Leaks(
            canaries_planted=5, seen_public=0, guard_blocks=0, beacons_sent=4, beacons_seen=4,
            tap_bytes=1_000,
        ),
        orders=Orders(acked=3, unknown=0, lost=0, duplicate=0, phantom=0),
        events=Events(produced=2, warehouse=2, lost=0, duplicate=0, p50_ms=9.5, p99_ms=80.0),
        failover=Failover(
            nodes=10, killed=3, rto_ms=400.0, failed_idempotent=0, site_cut_rto_ms=300.0,
            edge_failed=0,
        ),
        faults=(FAULT,),
        evidence=Evidence(records=9, chain_ok=True),
        environment={"cpu": "2"},
    ),
    RequestRow(
        n=1, intended_mono_ns=2, latency_us=3, late_us=4, operation="click", expected="raised",
        door="core", status=202, outcome="ok", idempotent=False, attempts=1,
        served_site="private", beacon="", canary=5, event_id="e-1",
    ),
    RouterSettings(
        name="router-core", placement="core", site="private", policy="p.yaml", topology="t.yaml",
        listen="127.0.2.2:0", probe="127.0.2.2:0", admin="a.sock", evidence="e", ready="r.json",
        source_address="127.0.2.2", limits=RouterLimits(attempts_max=2), disable=("scan", "guard"),
    ),
    Slo(
        version="isthmus/v1",
        classes={"public": ClassObjective(availability=0.999, p99_ms=250.0)},
        faults={"node_kill": FaultObjective(rto_ms=250.0)}, require=("faults", "taps"),
        residence=("private",), budget=BudgetObjective(window_requests=1e9),
        generator=GeneratorObjective(), capacity={"ads": CapacityObjective(replicas=10)},
        forecast={"ads": Forecast(peak_rps=800.0, replicas=10)},
    ),
    TapReport(
        relay="relay-link", armed_canaries=5,
        hits=(TapHit(canary=1, view="raw", listener="ads/ad-1"),), beacons=4,
        beacons_file="b.txt", bytes_up=1, bytes_down=2, connections=3, cut=False, errors=0,
    ),
    WORKER,
)  # fmt: skip


def golden_bytes(example: Contract) -> bytes:
    """The example as its golden file holds it."""
    return msgspec.json.format(msgspec.json.encode(example), indent=2) + b"\n"


def golden_path(example: Contract) -> Path:
    return GOLDEN / file_name(type(example))


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for written in EXAMPLES:
        golden_path(written).write_bytes(golden_bytes(written))
