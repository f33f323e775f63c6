"""One worker process: `python -m loadtest.drive.worker RUN K`, started by `loadtest.drive.run`.

It reads RUN/plan.json, says `ready`, is told the instant to start at, and sends its part. The end of its
standard input is the end of the one who started it, and its own.
"""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from pathlib import Path

import msgspec
import uvloop

from contracts.drive import WorkerSummary
from loadtest.drive.document import Loaded, load_plan
from loadtest.drive.driver import Driver, Outputs
from loadtest.sink import LineFile


def main(argv: list[str]) -> int:
    """Run worker K of RUN; exit code 0 when all its requests ended, 3 when the machine could not."""
    run, worker = Path(argv[0]), int(argv[1])
    # Ctrl-C reaches the whole group; the one who started us tells us what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    path = run / "plan.json"
    loaded = load_plan(path.read_bytes(), str(path), lambda name: Path(name).read_bytes())
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        uvloop.run(_work(loaded, run, worker))
    except OSError as error:
        sys.stderr.write(f"worker {worker}: {error}\n")
        return 3
    return 0


async def _work(loaded: Loaded, run: Path, worker: int) -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(0, "rb", closefd=False)
    )
    with contextlib.ExitStack() as files:
        outputs = Outputs(
            **{name: _file(files, run, name, worker) for name in Outputs.__struct_fields__}
        )
        driver = Driver(loaded, outputs, loop, worker=worker)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        said = await lines.readline()
        if said.strip().isdigit():
            watch = loop.create_task(_stop_at_end(lines, driver))
            try:
                summary = await driver.run(int(said))
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
            outputs.orders.sync()
            files.pop_all().close()
            _finish(run, summary)
    transport.close()


def _file(files: contextlib.ExitStack, run: Path, name: str, worker: int) -> LineFile:
    return files.enter_context(contextlib.closing(LineFile(run / f"{name}-{worker}.ndjson")))


async def _stop_at_end(lines: asyncio.StreamReader, driver: Driver) -> None:
    """`stop`, or nobody there to say it: either way nothing new is sent."""
    await lines.readline()
    driver.stop()


def _finish(run: Path, summary: WorkerSummary) -> None:
    """Last and atomically: where it stands, the worker's files are complete."""
    scratch = run / f"worker-{summary.worker}.json.tmp"
    scratch.write_bytes(msgspec.json.encode(summary))
    scratch.replace(run / f"worker-{summary.worker}.json")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
