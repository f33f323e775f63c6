"""`python -m loadtest prepare|run --plan FILE --out DIR`: plant canaries on paper, then drive a plan.

Exit codes: 0 done · 2 the plan or the directory is wrong · 3 the machine cannot · 4 stopped by a signal.
"""

import argparse
import asyncio
import gc
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog
import uvloop

from contracts.load import LoadPlan, LoadSummary
from loadtest.engine import Engine
from loadtest.plan import Arrivals, PlannedRequest, manifest, plan_problem, plan_requests
from loadtest.sink import LineFile, RunFiles
from runtime.logs import set_up_logs
from runtime.processes import Process, is_alive
from runtime.shutdown import stop_event

PARENT_POLL_S = 0.5


class UsageError(Exception):
    """A wrong plan, file or directory; the message says what was expected."""


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(argv)
    set_up_logs("loadtest")
    log = structlog.stdlib.get_logger()
    try:
        plan = read_plan(Path(options.plan))
        out = _directory(Path(options.out))
        if options.command == "prepare":
            log.info("prepared", canaries=prepare(plan, out, arrivals=options.arrivals))
            return 0
        return _run(plan, out, arrivals=options.arrivals, parent=options.with_parent)
    except UsageError as error:
        sys.stderr.write(f"loadtest: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"loadtest: {error}\n")
        return 3


def read_plan(path: Path) -> LoadPlan:
    """The plan in a file. Raises `UsageError` naming file, field and expectation."""
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=LoadPlan)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}, expected a load plan (JSON)") from error
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"{path}: {error}, expected a load plan (contracts.load.LoadPlan)"
        ) from error
    if problem := plan_problem(plan):
        raise UsageError(f"{path}: {problem}")
    return plan


def requests_of(plan: LoadPlan, arrivals: Arrivals) -> Iterator[PlannedRequest]:
    """The one way a plan becomes requests, for the manifest and for the run alike."""
    return plan_requests(plan, random.Random(plan.seed), arrivals=arrivals)


def prepare(plan: LoadPlan, out: Path, *, arrivals: Arrivals) -> int:
    """Write `canaries.ndjson` (mode 0600); returns how many."""
    file = LineFile(out / "canaries.ndjson")
    count = 0
    for canary in manifest(requests_of(plan, arrivals)):
        file.add(canary)
        count += 1
    file.close()
    return count


def process_of(text: str) -> Process:
    """`PID:START_TICKS` as the one who starts this says it: asked here, a dead parent would be overlooked."""
    pid, colon, ticks = text.partition(":")
    if not (colon and pid.isdecimal() and ticks.isdecimal()):
        raise argparse.ArgumentTypeError(
            f'"{text}": expected PID:START_TICKS, two numbers; fix: leave the option out to run alone'
        )
    return Process(pid=int(pid), start_ticks=int(ticks))


def _run(plan: LoadPlan, out: Path, *, arrivals: Arrivals, parent: Process | None) -> int:
    # What is alive now stays alive: the collector need not look at it while requests are timed.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    summary, stopped = uvloop.run(_drive(plan, out, arrivals=arrivals, parent=parent))
    structlog.stdlib.get_logger().info(
        "done", planned=summary.planned, sent=summary.sent, late=summary.late_sends, stopped=stopped
    )
    return 4 if stopped else 0


async def _drive(
    plan: LoadPlan, out: Path, *, arrivals: Arrivals, parent: Process | None
) -> tuple[LoadSummary, bool]:
    loop = asyncio.get_running_loop()
    stop = stop_event(loop)
    with RunFiles(out) as files:
        engine = Engine(plan, files, loop)

        async def stop_engine() -> None:
            await stop.wait()
            engine.stop()

        async def follow(process: Process) -> None:
            while not stop.is_set():
                if not is_alive(process):
                    stop.set()
                await asyncio.sleep(PARENT_POLL_S)

        watchers = [loop.create_task(stop_engine())]
        if parent:
            watchers.append(loop.create_task(follow(parent)))
        try:
            summary = await engine.run(requests_of(plan, arrivals))
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
    return summary, stop.is_set()


def _directory(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}, expected a directory to write to") from error
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="loadtest", description="Open-loop load on the two doors."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("prepare", "write the canaries a run will plant (canaries.ndjson)"),
        ("run", "drive the plan (requests.ndjson, orders.ndjson, progress.ndjson, summary.json)"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--plan", required=True, metavar="FILE")
        command.add_argument("--out", required=True, metavar="DIR")
        command.add_argument(
            "--with-parent",
            type=process_of,
            metavar="PID:START_TICKS",
            help="stop when that process is gone (field 22 of /proc/PID/stat tells it from another)",
        )
        command.add_argument("--arrivals", choices=("poisson", "uniform"), default="poisson")
    return parser


if __name__ == "__main__":
    sys.exit(main())
