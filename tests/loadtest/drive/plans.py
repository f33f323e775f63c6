"""Plans for the tests of the driven run, and one worker driven in the test's own loop."""

import asyncio
from pathlib import Path

import msgspec
import yaml

from contracts.drive import WorkerSummary
from loadtest.drive.document import Loaded, load_plan
from loadtest.drive.driver import Driver, Outputs
from loadtest.sink import LineFile

GET = {"name": "ads", "target": "web", "path": "/ads"}


def plan_of(address: str = "127.0.0.1:9", **changes) -> dict:
    """A small plan as it would stand in a file."""
    plan = {
        "version": "isthmus/v1", "run": "test", "targets": {"web": address}, "requests": [GET],
        "profile": [{"name": "steady", "kind": "constant", "for_s": 1, "rate": 200}],
    }  # fmt: skip
    return {**plan, **changes}


def loaded_of(plan: dict, files: dict[str, bytes] | None = None) -> Loaded:
    """The plan read as the command reads it; `files` stand beside it."""

    def read(name: str) -> bytes:
        if name not in (files or {}):
            raise FileNotFoundError(2, "No such file or directory")
        return files[name]

    return load_plan(yaml.safe_dump(plan, sort_keys=False).encode(), "plan.yaml", read)


def outputs_in(directory: Path) -> Outputs:
    """A worker's files."""
    return Outputs(
        **{
            name: LineFile(directory / f"{name}-0.ndjson") for name in ("cells", "pulse", "rows", "orders")
        }
    )  # fmt: skip


async def drive(plan: dict, directory: Path, start_ns: int) -> WorkerSummary:
    """One worker's run of `plan`, in this loop."""
    outputs = outputs_in(directory)
    try:
        driver = Driver(loaded_of(plan), outputs, asyncio.get_running_loop(), worker=0)
        async with asyncio.timeout(60):
            return await driver.run(start_ns)
    finally:
        for name in msgspec.structs.asdict(outputs):
            getattr(outputs, name).close()
