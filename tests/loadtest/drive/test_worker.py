"""A worker as a process: told when to start, ends with the one who started it, leaves whole lines when killed."""

import signal
import subprocess
import sys
import time

import msgspec

from contracts.drive import DriveRow, WorkerSummary
from contracts.history import OrderEvent
from loadtest.drive.run import prepare
from loadtest.drive.worker import main
from loadtest.sink import read_lines
from tests.loadtest.doors import open_shop, until
from tests.loadtest.drive.plans import loaded_of, plan_of
from tests.loadtest.drive.test_driver import ORDER, steady


def start(directory, plan, cwd):
    prepare(loaded_of(plan), directory, cwd)
    return subprocess.Popen(
        [sys.executable, "-m", "loadtest.drive.worker", str(directory), "0"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def begin(process):
    assert process.stdout.readline() == "ready\n"
    process.stdin.write(f"{time.monotonic_ns()}\n")
    process.stdin.flush()


def ended(process):
    with process:
        return process.wait(timeout=30)


async def test_a_killed_worker_leaves_whole_lines_and_no_summary(tmp_path):
    """SIGKILL: every order the door saw has its invocation, a torn line is left out, nothing claims an end."""
    async with open_shop() as (shop, address):
        process = start(
            tmp_path, plan_of(address, requests=[ORDER], profile=steady(200, 60)), tmp_path
        )
        begin(process)
        await until(lambda: len(shop.orders) > 50)
        process.send_signal(signal.SIGKILL)
        assert ended(process) == -signal.SIGKILL
        seen = set(shop.orders)
    with (tmp_path / "orders-0.ndjson").open("ab") as file:
        file.write(b'{"kind":"invoke","key":"torn')
    events = list(read_lines(tmp_path / "orders-0.ndjson", OrderEvent))
    assert seen <= {event.key for event in events if event.kind == "invoke"}
    assert all(event.mono_ns and event.wall_ms for event in events)
    assert list(read_lines(tmp_path / "rows-0.ndjson", DriveRow))
    assert not (tmp_path / "worker-0.json").exists()


async def test_a_worker_ends_with_the_one_who_started_it(tmp_path):
    """The end of its standard input: nothing new is sent, what is under way ends, a summary is written."""
    async with open_shop() as (shop, address):
        process = start(tmp_path, plan_of(address, profile=steady(200, 60)), tmp_path)
        begin(process)
        await until(lambda: len(shop.seen) > 20)
        process.stdin.close()
        await until(lambda: process.poll() is not None)
        assert ended(process) == 0
    summary = msgspec.json.decode((tmp_path / "worker-0.json").read_bytes(), type=WorkerSummary)
    assert summary.completed == summary.sent < summary.planned


async def test_a_worker_that_is_never_told_to_start_sends_nothing(tmp_path):
    """Whoever started it died first."""
    async with open_shop() as (shop, address):
        process = start(tmp_path, plan_of(address), tmp_path)
        assert process.stdout.readline() == "ready\n"
        process.stdin.close()
        assert ended(process) == 0
        assert shop.seen == []
    assert not (tmp_path / "worker-0.json").exists()


def test_the_entry_is_the_one_that_is_started():
    """`python -m loadtest.drive.worker` calls it."""
    assert main.__module__ == "loadtest.drive.worker"
