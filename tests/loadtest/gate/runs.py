"""A run that keeps every limit, as it is judged and as it lies in a directory, and ways to spoil it."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from contracts.bridge import BridgeVerify, TopicVerify
from contracts.chaos import ChaosResult
from contracts.drive import DriveRow, LoadCell, MachineSecond, Phase, Pulse
from contracts.evidence import AuditReport
from contracts.fault import FaultRecord
from contracts.history import OrderCheck
from contracts.slo import (
    CapacityObjective,
    ClassObjective,
    FaultObjective,
    Forecast,
    Slo,
)
from contracts.tap import TapReport
from loadtest.drive.histogram import Latencies
from loadtest.gate.measured import Generator, Measured, Proofs, Total

START_NS = 10**12
STEADY_S = range(20, 40)
SLO = Slo(
    version="isthmus/v1",
    classes={
        "public": ClassObjective(
            availability=0.99, p50_ms=50, p99_ms=200, p999_ms=400, disturbed_ratio=1.5
        ),
        "sensitive": ClassObjective(availability=0.999, p99_ms=300),
    },
    faults={"node-kill": FaultObjective(rto_ms=250, failback_ms=100)},
    phases=("steady",),
    require=("faults", "evidence", "bridge", "taps", "orders"),
    residence=("private",),
    failed_idempotent_max=2,
    capacity={"ads": CapacityObjective(replicas=2)},
    forecast={"ads": Forecast(peak_rps=600, replicas=2, headroom=0.2)},
)  # fmt: skip
FAULT = FaultRecord(
    id="01-node_kill", kind="node_kill", targets=("ad-1",), injected_mono_ns=START_NS + 28 * 10**9,
    healed_mono_ns=START_NS + 34 * 10**9, proven=True, proof="gone",
)  # fmt: skip
TOPIC = TopicVerify(
    topic="clicks", source_records=5, target_records=5, dead_letters=0, lost=0, duplicate=0,
    reordered=0, altered=0, warehouse_rows=5, warehouse_lost=0, warehouse_duplicate=0, quarantined=0,
)  # fmt: skip
TAP = TapReport(
    relay="relay-link", armed_canaries=5, hits=(), beacons=2, beacons_file="", bytes_up=1,
    bytes_down=2, connections=3, cut=False, errors=0,
)  # fmt: skip
CHECK = OrderCheck(
    invoked=9, acked=9, unknown=0, lost=0, duplicate=0, phantom=0, mismatch=0, idempotency=0,
    unexpected=0, examples={},
)  # fmt: skip
CHAOS = ChaosResult(
    run="c1", experiment="kill-30-percent", title="t", digest="d", seed=1, tier="local",
    verdict="passed", reasons=(), started_wall_s=1.0, duration_s=2.0,
)  # fmt: skip
PHASES = (
    *(
        Phase(name=f"up-{n + 1}", start_s=2.0 * n, end_s=2.0 * n + 2, rate=100.0 * (n + 1), to=100.0 * (n + 1))
        for n in range(10)
    ),
    Phase(name="steady", start_s=20, end_s=40, rate=300, to=300),
)  # fmt: skip


def spread(count: int, base_us: int) -> list[int]:
    """Latencies that differ as a service's do: most near the base, a few at twice of it."""
    return [base_us + base_us * (n % 100 == 99) + n % 7 for n in range(count)]


def latencies(values: Iterable[int]) -> Latencies:
    found = Latencies()
    found.record(list(values))
    return found


def total(second: int, kind: str, sent: int, *, base_us: int, **bad: int) -> Total:
    """One second of one kind; `bad` names counts of what was not ok."""
    counts = {"failed": 0, "shed": 0, "unknown": 0, "late": 0, "waited": 0, **bad}
    ok = sent - counts["failed"] - counts["shed"] - counts["unknown"]
    return Total(
        second=second,
        kind=kind,
        sent=sent,
        ok=ok,
        latencies=latencies(spread(ok, base_us)),
        **counts,
    )


def base_us(level: int) -> int:
    """Latency rises with the level; the two highest do not keep the objective."""
    return 10_000 + 500 * level * level + (300_000 if level >= 8 else 0)


CELLS = (
    *(total(second, "ads", 100 * (second // 2 + 1), base_us=base_us(second // 2)) for second in range(20)),
    *(
        cell
        for second in STEADY_S
        for cell in (
            total(second, "ads", 300, base_us=20_000),
            total(second, "order", 20, base_us=30_000),
        )
    ),
)  # fmt: skip


def row(second: float, kind: str = "ads", **changes) -> DriveRow:
    fields = {
        "n": 1, "intended_mono_ns": START_NS + int(second * 1e9), "latency_us": 1_000, "late_us": 0,
        "kind": kind, "status": 200, "outcome": "ok", "attempts": 1, "served": "public/ad-1",
        "beacon": "", "canary": 0,
    }  # fmt: skip
    return DriveRow(**{**fields, **changes})


ROWS = (
    row(21, beacon="b-one"), row(30, beacon="b-two"), row(31, "order", served="private/orders-1"),
    row(28.1, outcome="failed", status=0),
)  # fmt: skip
GENERATOR = Generator(
    workers=2, planned=17_400, sent=17_400, cpu_s=0.5, missing="",
    pulses=tuple(tuple(Pulse(second, 300, 900, 3, 8) for second in range(40)) for _ in range(2)),
    machine=tuple(MachineSecond(second, 0.01, 5.0) for second in range(40)),
)  # fmt: skip
PROOFS = Proofs(
    faults=(FAULT,), chaos=CHAOS,
    evidence=AuditReport(files=1, records=9, by_kind={}, chain_ok=True, torn=0, broken=()),
    bridge=BridgeVerify(link="l", ok=True, topics=(TOPIC,)), taps=(TAP,),
    beacons_seen=frozenset({"b-one", "b-two", "b-other"}), orders=CHECK,
)  # fmt: skip
GOOD = Measured(
    run="sale", started_mono_ns=START_NS, started_wall_ms=1, ended_mono_ns=START_NS + 40 * 10**9,
    phases=PHASES, classes={"ads": "public", "order": "sensitive"},
    services={"ads": "ads", "order": "orders"}, idempotent=frozenset({"ads", "order"}),
    orders=frozenset({"order"}), cells=CELLS, rows=ROWS, generator=GENERATOR, proofs=PROOFS,
)  # fmt: skip


def changed(part: str = "", **changes) -> Measured:
    """The good run with one part of it changed."""
    if not part:
        return msgspec.structs.replace(GOOD, **changes)
    return msgspec.structs.replace(
        GOOD, **{part: msgspec.structs.replace(getattr(GOOD, part), **changes)}
    )


def steadily(**changes) -> Measured:
    """The good run with the ads of its steady seconds changed: `sent`, `base_us`, or counts of bad ones."""
    fields = {"sent": 300, "base_us": 20_000, **changes}
    sent, base = fields.pop("sent"), fields.pop("base_us")
    kept = [cell for cell in CELLS if cell.kind != "ads" or cell.second not in STEADY_S]
    ads = [total(second, "ads", sent, base_us=base, **fields) for second in STEADY_S]
    return changed(cells=(*kept, *ads))


def slo(**changes) -> Slo:
    return msgspec.structs.replace(SLO, **changes)


def write_driven(directory: Path, plan: dict, *, cells: Iterable[LoadCell] = ()) -> None:
    """The least that makes a directory a driven run."""
    (directory / "plan.json").write_bytes(msgspec.json.encode(plan))
    write_lines(directory / "cells-0.ndjson", cells)


def write_lines(path: Path, rows: Iterable[object]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


def cell_of(second: int, kind: str, values_us: list[int]) -> LoadCell:
    text = latencies(values_us).encode()
    return LoadCell(second, kind, len(values_us), len(values_us), 0, 0, 0, 0, text)
