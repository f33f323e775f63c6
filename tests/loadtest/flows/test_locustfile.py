"""Shoppers for real, as processes: a whole journey, a killed worker, a stalled shop; and gevent stays with them."""

import os
import pkgutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import loadtest
from contracts.flows import FlowSettings, FlowStage
from contracts.history import LedgerRow, OrderEvent
from loadtest.check_orders import check_orders
from loadtest.flows.journey import STEPS
from loadtest.flows.run import finish, start
from loadtest.sink import read_lines
from tests.loadtest.doors import until
from tests.loadtest.threads import paying, shop_in_thread


@pytest.fixture
def shop():
    """A shop that takes payments."""
    with shop_in_thread() as (found, address):
        found.before = paying
        yield found, f"http://{address}"


def settings(out, **changes):
    fields = {
        "run": "f", "seed": 1, "out": str(out), "pacing_s": 0.5, "think_s": 0.01,
        "stages": (FlowStage(for_s=1, users=3), FlowStage(for_s=2, users=3)),
        "cpu_share_max": 2.0, "missed_share_max": 0.9,
    }  # fmt: skip
    return FlowSettings(**{**fields, **changes})


def test_shoppers_go_the_whole_way(tmp_path, shop):
    """Every step is asked for, every order is in the ledger once, exit 0."""
    seen, host = shop
    given = settings(tmp_path)
    process = start(given, host)
    report = finish(given, process)
    assert (report.verdict, process.returncode) == ("GO", 0), report
    assert set(report.steps) == set(STEPS)
    assert report.journeys == report.steps["profile"].requests > 3
    ledger = [LedgerRow(key=k, order_id=o, body_sha=s) for k, (o, s) in seen.orders.items()]
    events = [
        event for path in tmp_path.glob("orders-flow-*.ndjson") for event in read_lines(path, OrderEvent)
    ]  # fmt: skip
    check = check_orders(events, ledger)
    assert check.acked == check.invoked == len(ledger)
    assert check.lost + check.duplicate + check.mismatch + check.unexpected == 0


def child_of(pid):
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


async def test_a_killed_worker_makes_the_run_invalid(tmp_path, shop):
    """SIGKILL of one of two: Locust alone would exit 0 at half of the load."""
    seen, host = shop
    given = settings(
        tmp_path, workers=2, stages=(FlowStage(for_s=1, users=4), FlowStage(for_s=6, users=4))
    )
    process = start(given, host)
    await until(lambda: len(seen.orders) > 4)
    os.kill(child_of(process.pid), signal.SIGKILL)
    report = finish(given, process)
    assert (report.verdict, process.returncode) == ("INVALID", 3)
    assert [it.id for it in report.reasons] == ["worker_lost"]


async def test_a_stalled_shop_shows_as_missed_journeys(tmp_path, shop):
    """Its latencies would look fine: what did not begin is what makes the run INVALID."""
    seen, host = shop
    given = settings(
        tmp_path,
        missed_share_max=0.01,
        stages=(FlowStage(for_s=0.5, users=3), FlowStage(for_s=4, users=3)),
    )
    process = start(given, host)
    await until(lambda: len(seen.orders) > 2)
    seen.call(seen.gate.clear)
    stalled_s = time.monotonic()
    await until(lambda: time.monotonic() > stalled_s + 1.5)
    seen.call(seen.gate.set)
    report = finish(given, process)
    assert report.missed > 0
    assert "missed_arrivals" in {it.id for it in report.reasons}
    assert report.verdict != "GO"


def test_no_other_module_brings_gevent():
    """Importing everything else of the folder, and the command line, patches nothing."""
    names = [
        module.name
        for module in pkgutil.walk_packages(loadtest.__path__, "loadtest.")
        if not module.name.endswith(("__main__", "locustfile"))
    ]
    assert "loadtest.flows.run" in names
    code = (
        f"import sys, importlib\nfor name in {[*names, 'cli.load']!r}: importlib.import_module(name)\n"
        "sys.exit(any(name in sys.modules for name in ('gevent', 'locust')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
