"""One worker against a real door: everything intended is sent and counted, whatever the door does."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web

from contracts.drive import DriveRow, LoadCell, Pulse
from contracts.history import LedgerRow, OrderEvent
from loadtest.check_orders import check_orders
from loadtest.drive.driver import Driver
from loadtest.drive.histogram import Latencies
from loadtest.sink import LineFile, read_lines
from tests.loadtest.doors import open_recorder, open_shop, until
from tests.loadtest.drive.plans import GET, drive, loaded_of, outputs_in, plan_of

CLICK = {"name": "click", "target": "web", "method": "POST", "path": "/clicks", "body": "{}"}
ORDER = {
    "name": "order", "target": "web", "kind": "order", "method": "POST", "path": "/orders",
    "traffic": "sensitive", "headers": {"Idempotency-Key": "${key}"}, "body": '{"n":${n}}',
}  # fmt: skip


def steady(rate, for_s=1.0):
    return [{"name": "s", "kind": "constant", "for_s": for_s, "rate": rate}]


def rows_in(directory: Path) -> list[DriveRow]:
    return list(read_lines(directory / "rows-0.ndjson", DriveRow))


def cells_in(directory: Path) -> list[LoadCell]:
    return list(read_lines(directory / "cells-0.ndjson", LoadCell))


def latencies_in(directory: Path) -> Latencies:
    total = Latencies()
    for cell in cells_in(directory):
        if cell.histogram:
            total.decode(cell.histogram)
    return total


async def run_now(plan, directory):
    return await drive(plan, directory, time.monotonic_ns())


async def test_everything_intended_is_sent_and_counted(tmp_path):
    """A healthy door: each request stands in one cell, watched ones in one row, each on time."""
    async with open_shop() as (shop, address):
        plan = plan_of(
            address, requests=[{**GET, "weight": 3}, CLICK, ORDER], profile=steady(400, 2)
        )
        summary = await run_now(plan, tmp_path)
    cells = cells_in(tmp_path)
    assert summary.planned == summary.sent == summary.completed == sum(cell.sent for cell in cells)
    assert sum(cell.ok for cell in cells) == summary.sent == len(shop.seen) > 600
    assert latencies_in(tmp_path).count == summary.sent
    prompt = [row for row in rows_in(tmp_path) if row.latency_us <= 250_000 >= row.late_us * 5]
    assert {row.kind for row in prompt} == {"order"}
    ledger = [LedgerRow(key=k, order_id=o, body_sha=s) for k, (o, s) in shop.orders.items()]
    check = check_orders(read_lines(tmp_path / "orders-0.ndjson", OrderEvent), ledger)
    assert check.acked == check.invoked == len(shop.orders) > 50
    assert check.lost + check.mismatch + check.unexpected + check.duplicate == 0


async def test_a_frozen_door_shows_as_the_wait_of_its_customers(tmp_path):
    """Two seconds of freeze at 200/s are 2 s of p99, and arrivals go on meanwhile (no coordinated omission)."""
    async with open_shop() as (shop, address):
        plan = plan_of(address, connections=500, profile=steady(200, 3.2))
        run = asyncio.ensure_future(run_now(plan, tmp_path))
        shop.reach = 100
        await shop.reached.wait()
        shop.gate.clear()
        frozen_ns = time.monotonic_ns()
        shop.reached.clear()
        shop.reach = 500
        await shop.reached.wait()
        shop.gate.set()
        frozen_ms = (time.monotonic_ns() - frozen_ns) / 1e6
        summary = await run
    assert frozen_ms > 1500
    found = latencies_in(tmp_path)
    assert found.count == summary.sent
    assert found.quantile_ms(0.99) > 0.9 * frozen_ms
    assert sum(row.latency_us > 250_000 for row in rows_in(tmp_path)) > 250


async def test_a_wait_for_a_connection_counts_and_is_not_the_generators_fault(tmp_path):
    """What waits for one leaves late, has a row, its latency counts from the plan; it was taken up in time."""
    async with open_shop() as (shop, address):
        plan = plan_of(address, connections=2, profile=steady(400, 0.6))
        run = asyncio.ensure_future(run_now(plan, tmp_path))
        shop.gate.clear()
        await until(lambda: len(shop.seen) >= 2)
        frozen_s = time.monotonic()
        await until(lambda: time.monotonic() > frozen_s + 0.3)
        shop.gate.set()
        summary = await run
    late = [row for row in rows_in(tmp_path) if row.late_us > 50_000]
    assert len(late) == sum(cell.waited for cell in cells_in(tmp_path)) > 20
    assert summary.late == sum(cell.late for cell in cells_in(tmp_path)) < len(late)
    assert all(row.latency_us >= row.late_us for row in late)


@pytest.mark.parametrize(
    ("status", "outcome"), [(500, "failed"), (404, "failed"), (503, "shed"), (429, "shed")]
)
async def test_answers_that_were_not_expected_are_rows(tmp_path, status, outcome):
    """Each has its status, and no latency: a door that refuses fast is not a fast door."""
    async with open_shop() as (shop, address):
        shop.before = lambda _: web.Response(status=status)
        summary = await run_now(plan_of(address, profile=steady(100)), tmp_path)
    rows = rows_in(tmp_path)
    assert Counter((row.status, row.outcome) for row in rows) == {(status, outcome): summary.sent}
    assert latencies_in(tmp_path).count == 0
    assert {row.served for row in rows} == {"public/ad-1"}


async def test_a_door_that_never_answers_costs_its_time_out(tmp_path):
    """Reads fail, clicks are unknown, orders stay indeterminate; every wait is in the histogram."""
    async with open_shop() as (shop, address):
        shop.gate.clear()
        plan = plan_of(
            address, timeout_s=0.3, requests=[GET, CLICK, ORDER], profile=steady(90),
            connections=200,
        )  # fmt: skip
        summary = await run_now(plan, tmp_path)
    rows = rows_in(tmp_path)
    assert {(row.kind, row.outcome) for row in rows} == {
        ("ads", "failed"), ("click", "unknown"), ("order", "failed"),
    }  # fmt: skip
    assert len(rows) == summary.sent == latencies_in(tmp_path).count
    assert latencies_in(tmp_path).quantile_ms(0) >= 299
    check = check_orders(read_lines(tmp_path / "orders-0.ndjson", OrderEvent), [])
    assert check.unknown == check.invoked > 0


async def test_nobody_listening_is_refused_not_unknown(tmp_path):
    """No byte left: nothing is indeterminate, and the summary counts refusals."""
    plan = plan_of("127.0.0.1:1", requests=[CLICK], profile=steady(50, 0.5))
    summary = await run_now(plan, tmp_path)
    assert {row.outcome for row in rows_in(tmp_path)} == {"failed"}
    assert summary.refused > 0
    assert summary.connects == 0


async def test_lost_answers_are_asked_for_again_under_the_same_key(tmp_path):
    """Answers dropped after the commit: sent again, acknowledged, once in the ledger."""
    async with open_shop() as (shop, address):
        seen = Counter()

        def drop(request: web.Request) -> bool:
            seen[request.headers["Idempotency-Key"]] += 1
            return seen[request.headers["Idempotency-Key"]] <= 2

        shop.after_order = drop
        await run_now(plan_of(address, requests=[ORDER], profile=steady(60)), tmp_path)
    ledger = [LedgerRow(key=k, order_id=o, body_sha=s) for k, (o, s) in shop.orders.items()]
    check = check_orders(read_lines(tmp_path / "orders-0.ndjson", OrderEvent), ledger)
    assert check.acked == check.invoked == len(shop.orders) > 20
    assert check.lost + check.duplicate + check.mismatch + check.idempotency == 0
    assert {(row.attempts, row.outcome) for row in rows_in(tmp_path)} == {(3, "ok")}


async def test_new_connections_are_used_once(tmp_path):
    """With a share of 1 every request opens its own; with 0 a few carry all."""
    async with open_recorder() as (received, address):
        own = await run_now(plan_of(address, new_connections=1, profile=steady(100, 0.5)), tmp_path)
        kept = await run_now(plan_of(address, profile=steady(100, 0.5)), tmp_path)
    assert own.connects == own.sent
    assert kept.connects < kept.sent / 2
    assert len(received) == own.sent + kept.sent


async def test_stopping_drains_what_is_under_way(tmp_path):
    """After `stop` nothing new is sent, all is counted, and the plan is still counted whole."""
    async with open_shop() as (shop, address):
        plan = plan_of(address, profile=steady(300, 60))
        outputs = outputs_in(tmp_path)
        driver = Driver(loaded_of(plan), outputs, asyncio.get_running_loop(), worker=0)
        run = asyncio.ensure_future(driver.run(time.monotonic_ns()))
        shop.reach = 50
        await shop.reached.wait()
        driver.stop()
        async with asyncio.timeout(20):
            summary = await run
        for name in outputs.__struct_fields__:
            getattr(outputs, name).close()
    assert summary.sent == summary.completed == sum(cell.ok for cell in cells_in(tmp_path))
    assert 50 <= summary.sent < 300
    assert summary.planned == pytest.approx(18_000, rel=0.05)


@pytest.mark.parametrize("name", ["cells", "pulse", "rows", "orders"])
async def test_a_full_disk_ends_the_run(tmp_path, name):
    """When a file cannot be written the run ends with the reason instead of going on unrecorded."""
    async with open_shop() as (_, address):
        plan = plan_of(address, rows="all", requests=[GET, ORDER], profile=steady(200, 30))
        outputs = outputs_in(tmp_path)
        getattr(outputs, name).close()
        setattr(outputs, name, LineFile(Path("/dev/full")))
        driver = Driver(loaded_of(plan), outputs, asyncio.get_running_loop(), worker=0)
        async with asyncio.timeout(30):
            with pytest.raises(OSError, match="No space left"):
                await driver.run(time.monotonic_ns())
        for other in set(outputs.__struct_fields__) - {name}:
            getattr(outputs, other).close()


async def test_each_second_has_a_pulse(tmp_path):
    """Processor time, lag, requests in flight and connections, second by second."""
    async with open_shop() as (_, address):
        await run_now(plan_of(address, profile=steady(200, 2.3)), tmp_path)
    pulses = list(read_lines(tmp_path / "pulse-0.ndjson", Pulse))
    assert [pulse.second for pulse in pulses] == [0, 1]
    assert all(pulse.cpu_ms > 0 and pulse.connections > 0 for pulse in pulses)
