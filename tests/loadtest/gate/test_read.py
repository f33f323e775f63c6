"""A run's directory: of both generators, with proofs beside it, torn, cut short, or none at all."""

import msgspec
import pytest

from contracts.drive import DriveRow, DriveRun, MachineSecond, Pulse, WorkerSummary
from contracts.history import LedgerRow, OrderEvent
from contracts.load import LoadPlan, LoadSummary
from loadtest.gate.judge import judge
from loadtest.gate.read import RunError, read_run
from tests.loadtest.drive.plans import GET, loaded_of, plan_of
from tests.loadtest.drive.test_driver import ORDER
from tests.loadtest.gate.runs import (
    CHAOS,
    FAULT,
    PROOFS,
    SLO,
    START_NS,
    TAP,
    cell_of,
    row,
    slo,
    write_driven,
    write_lines,
)
from tests.loadtest.test_figures import row as request_row

PLAN = plan_of(workers=2, requests=[GET, {**ORDER, "service": "orders"}])
EASY = slo(
    classes={"public": SLO.classes["public"]},
    phases=(),
    require=(),
    capacity={},
    forecast={},
    faults={},
)
EASY = msgspec.structs.replace(
    EASY, classes={"public": msgspec.structs.replace(SLO.classes["public"], disturbed_ratio=0)}
)  # fmt: skip


def summary(worker, sent=100):
    return WorkerSummary(
        worker=worker, planned=100, sent=sent, completed=sent, late=0, connects=1, refused=0,
        cpu_s=0.25, wall_s=1.0, ended_mono_ns=START_NS + 10**9,
    )  # fmt: skip


def done(**changes):
    fields = {
        "run": "test", "seed": 1, "workers": 2, "started_mono_ns": START_NS, "started_wall_ms": 5,
        "ended_mono_ns": START_NS + 10**9, "phases": loaded_of(PLAN).phases, "classes": {},
        "services": {}, "idempotent": (), "orders": (), "summaries": (summary(0), summary(1)),
        "lost_workers": (), "stopped": "",
    }  # fmt: skip
    return DriveRun(**{**fields, **changes})


def write_run(directory, run=None):
    write_driven(directory, PLAN, cells=[cell_of(0, "ads", [5_000] * 200)])
    write_lines(directory / "rows-0.ndjson", [row(0.5, beacon="b-one")])
    write_lines(directory / "pulse-0.ndjson", [Pulse(0, 200, 9, 1, 1)])
    write_lines(directory / "machine.ndjson", [MachineSecond(0, 0.0, 5.0)])
    if run is not None:
        (directory / "run.json").write_bytes(msgspec.json.encode(run))


def write_proofs(directory):
    write_lines(
        directory / "faults.ndjson", [msgspec.structs.replace(FAULT, healed_mono_ns=0), FAULT]
    )
    (directory / "result.json").write_bytes(msgspec.json.encode(CHAOS))
    (directory / "audit.json").write_bytes(msgspec.json.encode(PROOFS.evidence))
    (directory / "bridge.json").write_bytes(msgspec.json.encode(PROOFS.bridge))
    (directory / "beacons.txt").write_text("b-one\nb-two\n")
    tap = msgspec.structs.replace(TAP, beacons_file=str(directory / "beacons.txt"))
    (directory / "tap-link.json").write_bytes(msgspec.json.encode(tap))
    events = [
        OrderEvent(kind=kind, key="k", attempt=1, mono_ns=1, wall_ms=1, body_sha="s", order_id=order_id)
        for kind, order_id in (("invoke", ""), ("ok", "o"))
    ]  # fmt: skip
    write_lines(directory / "orders-0.ndjson", events)
    write_lines(
        directory / "ledger-private.ndjson",
        [LedgerRow(key="k", order_id="o", body_sha="s", site="private")],
    )


def test_a_driven_run_is_read_with_everything_beside_it(tmp_path):
    """Cells, rows, pulses, machine, and each proof in its place."""
    write_run(tmp_path, done())
    write_proofs(tmp_path)
    found = read_run(tmp_path, SLO)
    assert (found.run, found.started_mono_ns, found.generator.sent) == ("test", START_NS, 200)
    assert found.classes == {"ads": "public", "order": "sensitive"}
    assert found.services == {"ads": "ads", "order": "orders"}
    assert (found.orders, found.idempotent) == ({"order"}, {"ads", "order"})
    assert found.cells[0].ok == 200
    assert found.proofs.faults == (FAULT,)
    assert found.proofs.chaos == CHAOS
    assert found.proofs.beacons_seen == {"b-one", "b-two"}
    assert found.proofs.orders.acked == 1
    assert found.proofs.orders.misplaced == 0
    assert found.proofs.unreadable == {}


def test_an_order_on_a_site_that_may_not_hold_it_is_found(tmp_path):
    """The ledger's site against the objective's residence."""
    write_run(tmp_path, done())
    write_proofs(tmp_path)
    assert read_run(tmp_path, slo(residence=("west",))).proofs.orders.misplaced == 1
    assert read_run(tmp_path, slo(residence=())).proofs.orders.misplaced == 0


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (None, "runner did not end"),
        (done(lost_workers=(1,), summaries=(summary(0),)), "workers 1 did not end"),
        (done(stopped="SIGTERM"), "stopped by SIGTERM"),
    ],
)
def test_a_run_that_was_cut_short_is_never_go(tmp_path, run, said):
    """Killed runner, killed worker, signal: INVALID, and it says which."""
    write_run(tmp_path, run)
    report = judge(read_run(tmp_path, EASY), EASY, {})
    stopped = next(it for it in report.reasons if it.id == "generator_stopped")
    assert said in stopped.scope
    assert report.verdict == "INVALID"


def test_a_whole_run_is_go(tmp_path):
    """The same files with a run that ended."""
    write_run(tmp_path, done())
    assert judge(read_run(tmp_path, EASY), EASY, {}).reasons == ()


def test_what_a_killed_worker_owed_still_counts(tmp_path):
    """Half of the plan is not taken for all of it."""
    write_run(tmp_path, done(lost_workers=(1,), summaries=(summary(0),)))
    assert read_run(tmp_path, EASY).generator.planned == 200


@pytest.mark.parametrize(
    ("name", "proof"),
    [("faults.ndjson", "faults"), ("audit.json", "evidence"), ("bridge.json", "bridge"),
     ("tap-link.json", "taps"), ("ledger-private.ndjson", "orders"), ("result.json", "chaos run"),
     ("beacons.txt", "taps")],
)  # fmt: skip
def test_a_proof_that_cannot_be_read_is_named(tmp_path, name, proof):
    """Broken is not missing, and never a run without it."""
    write_run(tmp_path, done())
    write_proofs(tmp_path)
    if name == "beacons.txt":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text("{broken\n")
    found = read_run(tmp_path, SLO)
    assert list(found.proofs.unreadable) == [proof]
    assert "proof_unreadable" in {it.id for it in judge(found, EASY, {}).reasons}


def test_a_torn_last_line_is_left_out(tmp_path):
    """A worker that was killed while it wrote."""
    write_run(tmp_path, done())
    with (tmp_path / "rows-0.ndjson").open("ab") as file:
        file.write(b"[1,2,3")
    assert len(read_run(tmp_path, EASY).rows) == 1


def test_a_run_of_the_demo_is_read(tmp_path):
    """Its rows become cells and rows of the same shape; without its summary it was cut short."""
    plan = LoadPlan(
        run="demo", seed=1, rate=10, duration_s=2, core="c:1", edge="e:1", mix={"ads": 1.0}
    )
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(plan))
    rows = [request_row(n, intended_mono_ns=START_NS + n * 10**8) for n in range(20)]
    write_lines(tmp_path / "requests.ndjson", rows)
    assert read_run(tmp_path, EASY).generator.missing
    ended = LoadSummary(
        run="demo", planned=20, sent=20, completed=20, late_sends=0, cpu_s=0.1, wall_s=2.0,
        started_mono_ns=START_NS, ended_mono_ns=START_NS + 2 * 10**9,
    )  # fmt: skip
    (tmp_path / "summary.json").write_bytes(msgspec.json.encode(ended))
    found = read_run(tmp_path, EASY)
    assert sum(cell.sent for cell in found.cells) == 20
    assert {cell.second for cell in found.cells} == {0, 1}
    assert judge(found, EASY, {}).verdict == "GO"


def test_a_directory_without_a_run_is_an_error(tmp_path):
    """Naming it, what was expected and how to go on; a broken plan or cell too."""
    with pytest.raises(RunError, match=r"no run stands there; expected plan\.json"):
        read_run(tmp_path, SLO)
    write_run(tmp_path)
    (tmp_path / "cells-0.ndjson").write_text("[broken\n")
    with pytest.raises(RunError, match=r"cells-0\.ndjson:1"):
        read_run(tmp_path, SLO)
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(RunError, match=r"plan\.json"):
        read_run(tmp_path, SLO)


def test_rows_of_all_workers_are_read(tmp_path):
    """Whatever their number."""
    write_run(tmp_path, done())
    write_lines(tmp_path / "rows-1.ndjson", [row(0.7), row(0.8)])
    found = read_run(tmp_path, EASY)
    assert len(found.rows) == 3
    assert all(isinstance(one, DriveRow) for one in found.rows)
