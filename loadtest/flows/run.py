"""Starts Locust in processes of its own and reads the verdict it leaves."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from contracts.flows import FlowReport, FlowSettings
from loadtest.flows.shapes import duration_s

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
START_S = 30.0
"""Importing, connecting workers and the last journeys after the end."""


class FlowsError(Exception):
    """Locust did not run, or left no verdict."""


def command(settings: FlowSettings, host: str) -> list[str]:
    """The command line of the one process, or of the master and its workers."""
    words = [
        sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", host,
        "--only-summary", "--stop-timeout", "5",
    ]  # fmt: skip
    if settings.workers > 1:
        words += ["--processes", str(settings.workers)]
    return words


def start(settings: FlowSettings, host: str) -> subprocess.Popen[bytes]:
    """Start it, its output in `locust.log`. Raises `FlowsError`."""
    out = Path(settings.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for stale in (out / "flows.json", *out.glob("orders-flow-*.ndjson")):
            stale.unlink(missing_ok=True)
        path = out / "settings.json"
        path.write_bytes(msgspec.json.encode(settings))
        with (out / "locust.log").open("wb") as log:
            return subprocess.Popen(
                command(settings, host), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "ISTHMUS_FLOWS": str(path.resolve())}, start_new_session=True,
                cwd=Path(__file__).parents[2],
            )  # fmt: skip
    except OSError as error:
        raise FlowsError(f"{out}: {error}") from error


def finish(settings: FlowSettings, process: subprocess.Popen[bytes]) -> FlowReport:
    """Wait for the end and read the verdict. Raises `FlowsError` with Locust's last words."""
    out = Path(settings.out)
    try:
        process.wait(timeout=duration_s(settings.stages) + START_S)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.wait()
        raise FlowsError(f"locust did not end; its log: {out / 'locust.log'}") from error
    path = out / "flows.json"
    if not path.exists():
        tail = " / ".join((out / "locust.log").read_text(errors="replace").splitlines()[-3:])
        raise FlowsError(f"locust left no verdict (exit {process.returncode}): {tail}")
    return msgspec.json.decode(path.read_bytes(), type=FlowReport)
