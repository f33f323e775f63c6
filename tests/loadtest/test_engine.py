import asyncio
import contextlib
import itertools
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from contracts.history import LedgerRow
from contracts.load import LoadSummary
from contracts.tap import Canary
from loadtest import figures
from loadtest.__main__ import main
from loadtest.check_orders import check_orders
from loadtest.engine import Engine
from loadtest.plan import manifest, plan_requests
from loadtest.sink import LineFile, RunFiles, read_history, read_lines, read_rows
from runtime.processes import start_ticks
from tests.loadtest.doors import open_recorder, open_shop, plan_for, until


def requests_of(plan):
    return plan_requests(plan, random.Random(plan.seed))


async def drive(plan, directory):
    """Run the plan in this loop; the rows as read back from the file."""
    with RunFiles(directory) as files:
        engine = Engine(plan, files, asyncio.get_running_loop())
        async with asyncio.timeout(60):
            summary = await engine.run(requests_of(plan))
    return summary, read_rows(directory)


def ledger_of(shop):
    return [LedgerRow(key=k, order_id=o, body_sha=s) for k, (o, s) in shop.orders.items()]


async def test_every_planned_request_becomes_one_row(tmp_path):
    """A run on a healthy shop: all answered as expected, each row what the plan says."""
    async with open_shop() as (shop, address):
        plan = plan_for(address, rate=500, duration_s=2, edge_share=0.0)
        summary, rows = await drive(plan, tmp_path)
    planned = list(requests_of(plan))
    assert summary.planned == summary.sent == summary.completed == len(rows) == len(planned)
    assert Counter(row.outcome for row in rows) == {"ok": len(rows)}
    by_n = {row.n: row for row in rows}
    for request in planned:
        row = by_n[request.n]
        assert (row.operation, row.expected, row.door) == (
            request.operation, request.expected, request.door,
        )  # fmt: skip
        assert row.intended_mono_ns == summary.started_mono_ns + request.offset_ns
        assert row.canary == (request.planting.id if request.planting else 0)
        assert row.beacon == request.beacon
        assert row.served_site == "public"
    assert check_orders(read_history(tmp_path), ledger_of(shop)).acked == len(shop.orders)


async def test_at_the_edge_a_raised_request_must_be_refused(tmp_path):
    """A door that serves everything fails exactly the requests whose canary it should have refused."""
    async with open_shop() as (_, address):
        plan = plan_for(address, rate=400, duration_s=1, edge_share=1.0)
        _, rows = await drive(plan, tmp_path)
    served = {row.n for row in rows if row.expected == "raised" and row.door == "edge"}
    assert served
    assert {row.n for row in rows if row.outcome == "failed"} == served
    assert figures.scan_misses(rows, frozenset({"public"})) >= len(served)


async def test_each_planted_form_is_in_the_bytes_the_door_got(tmp_path):
    """What the manifest lists arrived byte by byte at the socket, in all nine places."""
    async with open_recorder() as (received, address):
        plan = plan_for(address, rate=800, duration_s=1.5, canary_share=0.3)
        await drive(plan, tmp_path)
    stream = b"".join(received)
    planted = list(manifest(requests_of(plan)))
    assert {canary.place for canary in planted} == set(Canary.__annotations__["place"].__args__)
    missing = [c for c in planted if bytes.fromhex(c.form_hex) not in stream]
    assert missing == []


async def test_a_frozen_server_shows_as_the_wait_of_its_customers(tmp_path):
    """Two seconds of freeze at 200/s are 2 s of p99, and arrivals go on meanwhile (no coordinated omission)."""
    async with open_shop() as (shop, address):
        plan = plan_for(
            address, rate=200, duration_s=3.2, edge_share=0.0, connections_max=500, mix={"ads": 1.0}
        )
        run = asyncio.ensure_future(drive(plan, tmp_path))
        shop.reach = 100
        await shop.reached.wait()
        shop.gate.clear()
        frozen_ns = time.monotonic_ns()
        shop.reached.clear()
        shop.reach = 500
        await shop.reached.wait()
        shop.gate.set()
        frozen_ms = (time.monotonic_ns() - frozen_ns) / 1e6
        _, rows = await run
    assert frozen_ms > 1500
    public = figures.requests_of(rows).by_class["public"]
    assert public.p99_ms > 0.9 * frozen_ms
    waited = sum(row.latency_us > 1000 * 0.05 * frozen_ms for row in rows)
    assert waited > 300


async def test_waiting_for_a_connection_counts_and_is_late(tmp_path):
    """With few connections a freeze holds requests back: they are late, and their wait is counted."""
    async with open_shop() as (shop, address):
        plan = plan_for(
            address, rate=400, duration_s=1, edge_share=0.0, connections_max=4, mix={"ads": 1.0}
        )
        shop.gate.clear()
        with RunFiles(tmp_path) as files:
            engine = Engine(plan, files, asyncio.get_running_loop())
            run = asyncio.ensure_future(engine.run(requests_of(plan)))
            await until(lambda: engine._launched >= 200)
            assert len(shop.seen) <= 4
            shop.gate.set()
            async with asyncio.timeout(30):
                summary = await run
        rows = read_rows(tmp_path)
    assert summary.late_sends > 50
    assert figures.requests_of(rows).late_sends == summary.late_sends
    assert all(row.outcome == "ok" for row in rows)
    assert all(row.latency_us >= row.late_us for row in rows)


async def test_lost_answers_are_asked_for_again_under_the_same_key(tmp_path):
    """Answers dropped after the commit: the order is sent again, acknowledged, and in the ledger once."""
    async with open_shop() as (shop, address):
        seen = Counter()

        def drop(request: web.Request) -> bool:
            seen[request.headers["Idempotency-Key"]] += 1
            return seen[request.headers["Idempotency-Key"]] <= 2

        shop.after_order = drop
        plan = plan_for(address, rate=60, duration_s=1, mix={"order": 1.0})
        _, rows = await drive(plan, tmp_path)
    check = check_orders(read_history(tmp_path), ledger_of(shop))
    assert check.acked == check.invoked == len(shop.orders)
    assert check.lost == check.duplicate == check.mismatch == check.idempotency == 0
    sent_again = [row for row in rows if row.attempts == 3]
    assert len(sent_again) == len(shop.orders)
    assert all(row.outcome == "ok" for row in rows)


async def test_a_contradicted_key_must_be_refused(tmp_path):
    """Orders that reuse an acknowledged key expect 422, are ok with it, and stay out of the history."""
    async with open_shop() as (shop, address):
        plan = plan_for(address, seed=4, rate=800, duration_s=2, mix={"order": 1.0})
        conflicts = sum(r.action == "order_conflict" for r in requests_of(plan))
        assert conflicts > 2
        _, rows = await drive(plan, tmp_path)
    refused = [row for row in rows if row.status == 422]
    assert len(refused) == conflicts
    assert {row.outcome for row in rows} == {"ok"}
    check = check_orders(read_history(tmp_path), ledger_of(shop))
    assert check.invoked == len(rows) - conflicts


async def test_without_idempotency_a_contradiction_fails(tmp_path):
    """A ledger that takes the same key twice fails the contradicting requests."""
    async with open_shop() as (shop, address):
        shop.before = lambda request: (
            web.json_response({"order_id": str(len(shop.seen))}, status=201)
            if request.path == "/orders"
            else None
        )
        plan = plan_for(address, seed=4, rate=800, duration_s=2, mix={"order": 1.0})
        _, rows = await drive(plan, tmp_path)
    conflicts = sum(r.action == "order_conflict" for r in requests_of(plan))
    assert sum(row.outcome == "failed" for row in rows) == conflicts


@pytest.mark.parametrize(("status", "outcome"), [(503, "shed"), (500, "failed"), (400, "failed")])
async def test_refused_orders_end_within_their_budget(tmp_path, status, outcome):
    """5xx is asked again until the budget is spent, 4xx is final at once."""
    async with open_shop() as (shop, address):
        shop.before = lambda _: web.Response(status=status)
        plan = plan_for(address, rate=40, duration_s=0.5, timeout_s=0.2, mix={"order": 1.0})
        _, rows = await drive(plan, tmp_path)
    assert {row.outcome for row in rows} == {outcome}
    assert {row.attempts for row in rows} == ({1} if status == 400 else {4})
    kinds = {event.kind for event in read_history(tmp_path)}
    assert kinds == {"invoke", "fail" if status == 400 else "info"}


async def test_unanswered_requests_end_by_their_time_out(tmp_path):
    """A door that never answers: clicks are unknown, the rest failed, orders indeterminate."""
    async with open_shop() as (shop, address):
        shop.gate.clear()
        plan = plan_for(address, rate=100, duration_s=1, timeout_s=0.3)
        _, rows = await drive(plan, tmp_path)
    assert {(row.operation == "click", row.outcome) for row in rows} == {
        (True, "unknown"), (False, "failed"),
    }  # fmt: skip
    assert {row.status for row in rows} == {0}
    assert {row.served_site for row in rows} == {""}
    check = check_orders(read_history(tmp_path), [])
    assert check.unknown == check.invoked > 0


async def test_profiles_are_read_back_as_written(tmp_path):
    """A read that misses what was acknowledged before is failed."""
    async with open_shop() as (shop, address):
        forgets = itertools.count()
        shop.before = lambda request: (
            web.Response(text="{}") if request.method == "GET" and next(forgets) % 2 else None
        )
        plan = plan_for(address, rate=100, duration_s=1, mix={"profile": 1.0})
        _, rows = await drive(plan, tmp_path)
    gets = [r.n for r in requests_of(plan) if r.action == "profile_get"]
    failed = [row.n for row in rows if row.outcome == "failed"]
    assert failed
    assert set(failed) < set(gets)


async def test_stopping_drains_what_is_under_way(tmp_path):
    """After `stop` nothing new is sent, every request sent gets its row, the plan is still counted whole."""
    async with open_shop() as (shop, address):
        plan = plan_for(address, rate=300, duration_s=60)
        with RunFiles(tmp_path) as files:
            engine = Engine(plan, files, asyncio.get_running_loop())
            run = asyncio.ensure_future(engine.run(requests_of(plan)))
            shop.reach = 50
            await shop.reached.wait()
            engine.stop()
            async with asyncio.timeout(20):
                summary = await run
    assert summary.sent == summary.completed == len(read_rows(tmp_path)) < summary.planned
    assert summary.planned == sum(1 for _ in requests_of(plan))


@pytest.mark.parametrize("name", ["requests", "orders", "progress"])
async def test_a_full_disk_ends_the_run(tmp_path, name):
    """When a file cannot be written the run ends with the reason instead of going on unrecorded."""
    async with open_shop() as (_, address):
        plan = plan_for(address, rate=200, duration_s=60)
        files = RunFiles(tmp_path)
        files.__dict__[name].close()
        files.__dict__[name] = LineFile(Path("/dev/full"))
        engine = Engine(plan, files, asyncio.get_running_loop())
        async with asyncio.timeout(30):
            with pytest.raises(OSError, match="No space left"):
                await engine.run(requests_of(plan))
        with contextlib.suppress(OSError), files:
            pass
    assert not (tmp_path / "summary.json").exists()


async def start_process(plan, directory, command="run"):
    (directory / "plan.json").write_bytes(msgspec.json.encode(plan))
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", command, "--plan", directory / "plan.json", "--out", directory,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def test_a_killed_generator_leaves_every_answered_row(tmp_path):
    """SIGKILL after the last flush: all answered requests have rows, every order seen has its invocation."""
    async with open_shop() as (shop, address):
        answered = itertools.count(1)
        total = 0

        def freeze_later(_: web.Request) -> None:
            nonlocal total
            total = next(answered)
            if total == 200:
                shop.gate.clear()

        shop.before = freeze_later
        process = await start_process(plan_for(address, rate=400, duration_s=60), tmp_path)
        await until(lambda: total >= 200 and len(read_rows(tmp_path)) >= total)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        orders_seen, answered_by_then = set(shop.orders), total
    rows = read_rows(tmp_path)
    assert len(rows) == len({row.n for row in rows}) == answered_by_then
    assert (tmp_path / "requests.ndjson").read_bytes().endswith(b"\n")
    invoked = {event.key for event in read_history(tmp_path) if event.kind == "invoke"}
    assert orders_seen
    assert orders_seen <= invoked
    assert not (tmp_path / "summary.json").exists()


async def test_a_terminated_generator_drains_and_sums_up(tmp_path):
    """SIGTERM: exit 4, a summary, and as many rows as requests sent; the progress file has its seconds."""
    async with open_shop() as (shop, address):
        process = await start_process(plan_for(address, rate=200, duration_s=60), tmp_path)
        shop.reach = 300
        async with asyncio.timeout(30):
            await shop.reached.wait()
            process.terminate()
            assert await process.wait() == 4
    summary = msgspec.json.decode((tmp_path / "summary.json").read_bytes(), type=LoadSummary)
    assert summary.sent == summary.completed == len(read_rows(tmp_path)) >= 300
    assert summary.planned > summary.sent
    progress = (tmp_path / "progress.ndjson").read_bytes().splitlines()
    assert msgspec.json.decode(progress[0])["second"] == 0


async def test_prepare_and_run_plant_the_same_canaries(tmp_path):
    """The manifest written beforehand names exactly the canaries of the rows."""
    async with open_shop() as (_, address):
        plan = plan_for(address, rate=300, duration_s=1)
        assert await (await start_process(plan, tmp_path, "prepare")).wait() == 0
        assert await (await start_process(plan, tmp_path, "run")).wait() == 0
    prepared = list(read_lines(tmp_path / "canaries.ndjson", Canary))
    assert [one.id for one in prepared] == sorted(
        row.canary for row in read_rows(tmp_path) if row.canary
    )
    assert (tmp_path / "canaries.ndjson").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "expected a load plan"),
        (b"\x00\xff", "expected a load plan"),
        (b'{"run":"x"}', "seed"),
    ],
)
async def test_a_wrong_plan_file_is_refused(tmp_path, text, expected):
    """A plan that is none ends with exit 2, naming the file and what was expected."""
    (tmp_path / "plan.json").write_bytes(text)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "run", "--plan", tmp_path / "plan.json", "--out", tmp_path / "out",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"plan.json" in said
    assert expected.encode() in said


def test_a_parent_that_died_before_the_generator_ran_is_noticed(tmp_path):
    """Who to end with is told, not asked after the imports: nobody to follow ends a long run at once with 4."""
    parent = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    ticks = start_ticks(parent.pid)
    parent.communicate(b"\n")
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(plan_for(duration_s=300)))
    done = subprocess.run(
        [sys.executable, "-m", "loadtest", "run", "--plan", tmp_path / "plan.json",
         "--out", tmp_path, "--with-parent", f"{parent.pid}:{ticks}"],
        check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 4


@pytest.mark.parametrize("text", ["", "12", "12:", "me:1", "12:-1"])
def test_a_parent_that_is_none_is_refused(tmp_path, text, capsys):
    """Exit 2 with the form that was expected."""
    with pytest.raises(SystemExit) as ended:
        main(["run", "--plan", "p", "--out", str(tmp_path), f"--with-parent={text}"])
    assert ended.value.code == 2
    assert "expected PID:START_TICKS" in capsys.readouterr().err
