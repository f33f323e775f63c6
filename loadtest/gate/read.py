"""Reads a run's directory: of `load run`, or of the demo's generator; and whatever proofs lie beside it.

Proofs by file name: `faults.ndjson` (journal), `result.json` (chaos run), `audit.json`, `bridge.json`,
`tap-*.json`, and `ledger*.ndjson` (rows of orders, with the site they were read from).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from contracts.bridge import BridgeVerify
from contracts.chaos import ChaosResult
from contracts.drive import (
    DrivePlan,
    DriveRow,
    DriveRun,
    LoadCell,
    MachineSecond,
    Phase,
    Pulse,
    WorkerSummary,
)
from contracts.evidence import AuditReport
from contracts.fault import FaultRecord
from contracts.history import LedgerRow, OrderCheck, OrderEvent
from contracts.load import LoadPlan, LoadSummary
from contracts.slo import Slo
from contracts.tap import TapReport
from loadtest.check_orders import check_orders
from loadtest.drive.document import load_plan
from loadtest.drive.kinds import idempotent
from loadtest.gate.demo import demo_cells, demo_classes, demo_rows
from loadtest.gate.measured import Generator, Measured, Proofs, add_up
from loadtest.sink import read_lines, read_rows
from policy.problems import PolicyError

Found = TypeVar("Found", bound=msgspec.Struct)
Got = TypeVar("Got")


class RunError(Exception):
    """A directory that holds no run; the message says what was expected."""


def read_run(directory: Path, slo: Slo) -> Measured:
    """Everything in `directory`. Raises `RunError` when it is no run at all."""
    broken: dict[str, str] = {}
    proofs = _proofs(directory, slo, broken)
    try:
        if (directory / "requests.ndjson").exists():
            return _demo(directory, proofs)
        if (directory / "plan.json").exists():
            return _driven(directory, proofs)
    except (OSError, ValueError, msgspec.MsgspecError, PolicyError) as error:
        raise RunError(f"{directory}: {error}") from error
    raise RunError(
        f"{directory}: no run stands there; expected plan.json and cells-*.ndjson (isthmus load run), or "
        "requests.ndjson; fix: name the directory that the run printed"
    )


def _driven(directory: Path, proofs: Proofs) -> Measured:
    """A run of `load run`; without `run.json` its runner was killed, and the plan says what was meant."""
    path = directory / "plan.json"
    loaded = load_plan(path.read_bytes(), str(path), lambda name: Path(name).read_bytes())
    plan = loaded.plan
    run = directory / "run.json"
    done = msgspec.json.decode(run.read_bytes(), type=DriveRun) if run.exists() else None
    rows = tuple(_each(directory, "rows-*.ndjson", DriveRow))
    started_ns = (
        done.started_mono_ns if done else min((row.intended_mono_ns for row in rows), default=0)
    )
    summaries = done.summaries if done else tuple(_summaries(directory))
    cells = add_up(_each(directory, "cells-*.ndjson", LoadCell))
    return Measured(
        run=plan.run,
        started_mono_ns=started_ns,
        started_wall_ms=done.started_wall_ms if done else 0,
        ended_mono_ns=done.ended_mono_ns if done else started_ns,
        phases=loaded.phases,
        classes={it.name: it.traffic for it in plan.requests},
        services={it.name: it.service or it.name for it in plan.requests},
        idempotent=frozenset(it.name for it in plan.requests if idempotent(it)),
        orders=frozenset(it.name for it in plan.requests if it.kind == "order"),
        cells=cells,
        rows=rows,
        generator=Generator(
            workers=plan.workers,
            planned=_planned(plan, loaded.phases, summaries),
            sent=sum(it.sent for it in summaries) or sum(cell.sent for cell in cells),
            cpu_s=sum(it.cpu_s for it in summaries),
            missing=_missing(done),
            pulses=tuple(
                tuple(read_lines(it, Pulse)) for it in sorted(directory.glob("pulse-*.ndjson"))
            ),
            machine=tuple(_each(directory, "machine.ndjson", MachineSecond)),
        ),
        proofs=proofs,
    )


def _planned(
    plan: DrivePlan, phases: tuple[Phase, ...], summaries: tuple[WorkerSummary, ...]
) -> int:
    """What the workers say they owed; for those that say nothing, their share of the plan's area."""
    silent = plan.workers - len(summaries)
    area = sum((phase.rate + phase.to) / 2 * (phase.end_s - phase.start_s) for phase in phases)
    return sum(it.planned for it in summaries) + int(area * silent / plan.workers)


def _missing(done: DriveRun | None) -> str:
    if done is None:
        return "the runner did not end"
    if done.lost_workers:
        return f"workers {', '.join(map(str, done.lost_workers))} did not end"
    return f"stopped by {done.stopped}" if done.stopped else ""


def _summaries(directory: Path) -> Iterator[WorkerSummary]:
    for path in sorted(directory.glob("worker-*.json")):
        yield msgspec.json.decode(path.read_bytes(), type=WorkerSummary)


def _demo(directory: Path, proofs: Proofs) -> Measured:
    """A run of the demo's generator: every request has a row."""
    plan = msgspec.json.decode((directory / "plan.json").read_bytes(), type=LoadPlan)
    path = directory / "summary.json"
    done = msgspec.json.decode(path.read_bytes(), type=LoadSummary) if path.exists() else None
    rows = read_rows(directory)
    started_ns = (
        done.started_mono_ns if done else min((it.intended_mono_ns for it in rows), default=0)
    )
    classes, services = demo_classes(plan)
    return Measured(
        run=plan.run,
        started_mono_ns=started_ns,
        started_wall_ms=0,
        ended_mono_ns=done.ended_mono_ns if done else started_ns,
        phases=(
            Phase(name="demo", start_s=0.0, end_s=plan.duration_s, rate=plan.rate, to=plan.rate),
        ),
        classes=classes,
        services=services,
        idempotent=frozenset(kind for kind in classes if not kind.startswith("click")),
        orders=frozenset(kind for kind in classes if kind.startswith("order")),
        cells=add_up(demo_cells(rows, started_ns)),
        rows=tuple(demo_rows(rows)),
        generator=Generator(
            workers=1,
            planned=done.planned if done else int(plan.rate * plan.duration_s),
            sent=done.sent if done else len(rows),
            cpu_s=done.cpu_s if done else 0.0,
            missing="" if done else "the generator did not end",
        ),
        proofs=proofs,
    )


def _proofs(directory: Path, slo: Slo, broken: dict[str, str]) -> Proofs:
    def of(name: str, read: Callable[[Path], Got], path: Path) -> Got | None:
        if not path.exists():
            return None
        try:
            return read(path)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            broken[name] = str(error)
        return None

    taps = [of("taps", _one(TapReport), path) for path in sorted(directory.glob("tap-*.json"))]
    found = tuple(tap for tap in taps if tap is not None)
    beacons = [of("taps", _words, Path(tap.beacons_file)) for tap in found]
    if any(seen is None for seen in beacons):
        broken.setdefault("taps", "a file of beacons is gone")
    return Proofs(
        faults=of("faults", _faults, directory / "faults.ndjson"),
        chaos=of("chaos run", _one(ChaosResult), directory / "result.json"),
        evidence=of("evidence", _one(AuditReport), directory / "audit.json"),
        bridge=of("bridge", _one(BridgeVerify), directory / "bridge.json"),
        taps=found,
        beacons_seen=frozenset[str]().union(*(seen for seen in beacons if seen is not None)),
        orders=of("orders", lambda path: _orders(path, slo), directory)
        if list(directory.glob("ledger*.ndjson"))
        else None,
        unreadable=broken,
    )


def _one(kind: type[Found]) -> Callable[[Path], Found]:
    return lambda path: msgspec.json.decode(path.read_bytes(), type=kind)


def _words(path: Path) -> frozenset[str]:
    return frozenset(path.read_text().split())


def _faults(path: Path) -> tuple[FaultRecord, ...]:
    """The last line of each fault: one was written when it took effect, one more when it was healed."""
    return tuple({fault.id: fault for fault in read_lines(path, FaultRecord)}.values())


def _orders(directory: Path, slo: Slo) -> OrderCheck:
    return check_orders(
        _each(directory, "orders*.ndjson", OrderEvent),
        _each(directory, "ledger*.ndjson", LedgerRow),
        may_hold=frozenset(slo.residence) or None,
    )


def _each(directory: Path, pattern: str, kind: type[Found]) -> Iterator[Found]:
    for path in sorted(directory.glob(pattern)):
        yield from read_lines(path, kind)
