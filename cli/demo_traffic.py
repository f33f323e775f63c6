"""The load generator as a process of its own, so that the demo's work never delays a request."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import msgspec

from contracts.load import LoadPlan, LoadSummary
from runtime.processes import MARK, start_ticks

START_S = 20.0
"""Importing and planning takes a second; a machine that needs 20 cannot judge milliseconds."""
END_S = 60.0
"""Requests under way at the end have at most three time-outs of 5 s each for an order's retries."""
POLL_S = 0.02


class TrafficError(Exception):
    """The load generator did not start, or ended otherwise than it should."""


def prepare(plan: LoadPlan, folder: Path, *, cloud: str) -> int:
    """Write the plan and its canaries; returns how many. Raises `TrafficError`.

    `cloud` is the state directory of the cloud: its mark lets a later command find the process.
    """
    (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
    done = subprocess.run(
        _argv("prepare", folder), check=False, capture_output=True, text=True, timeout=START_S, env=_environ(cloud)
    )  # fmt: skip
    if done.returncode:
        raise TrafficError(f"{folder}/plan.json: {done.stderr.strip()}")
    return (folder / "canaries.ndjson").read_bytes().count(b"\n")


def _argv(command: str, folder: Path) -> list[str]:
    plan = str(folder / "plan.json")
    return [sys.executable, "-m", "loadtest", command, "--plan", plan, "--out", str(folder)]


def _environ(cloud: str) -> dict[str, str]:
    return {**os.environ, MARK: cloud}


def _with_parent() -> list[str]:
    """Ourselves as the one it ends with, said before it starts: we may be gone before it can ask."""
    return ["--with-parent", f"{os.getpid()}:{start_ticks(os.getpid())}"]


class Traffic:
    """A running load generator; leaving the context ends it."""

    def __init__(self, folder: Path, *, cloud: str) -> None:
        """`cloud` is the state directory of the cloud it loads: its mark lets a later command find it."""
        self._cloud = cloud
        self.folder = folder
        self.log = folder / "loadtest.log"

    def __enter__(self) -> Self:
        """Start it and wait for its first request. Raises `TrafficError`."""
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._child = subprocess.Popen(
                [*_argv("run", self.folder), *_with_parent()], env=_environ(self._cloud), stdin=subprocess.DEVNULL, stdout=descriptor, stderr=descriptor
            )  # fmt: skip
        finally:
            os.close(descriptor)
        deadline = time.monotonic() + START_S
        rows = self.folder / "requests.ndjson"
        while not (rows.exists() and rows.stat().st_size):
            if self._child.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise TrafficError(f"no request was sent; the generator says: {self._tail()}")
            time.sleep(POLL_S)
        self.started_s = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, politely first."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    @property
    def pid(self) -> int:
        """The generator's process."""
        return self._child.pid

    def wait_until(self, offset_s: float) -> None:
        """Sleep until `offset_s` after the first request. Raises `TrafficError` if the generator dies."""
        while (left_s := self.started_s + offset_s - time.monotonic()) > 0:
            if self._child.poll():
                raise TrafficError(f"the generator failed: {self._tail()}")
            time.sleep(min(left_s, 0.2))

    def finish(self) -> LoadSummary:
        """Wait for the generator's own end and read its summary. Raises `TrafficError`."""
        plan = msgspec.json.decode((self.folder / "plan.json").read_bytes(), type=LoadPlan)
        left_s = self.started_s + plan.duration_s - time.monotonic()
        try:
            code = self._child.wait(timeout=max(left_s, 0) + END_S)
        except subprocess.TimeoutExpired as error:
            raise TrafficError(f"the generator did not end: {self._tail()}") from error
        if code:
            raise TrafficError(f"the generator ended with exit code {code}: {self._tail()}")
        return msgspec.json.decode((self.folder / "summary.json").read_bytes(), type=LoadSummary)

    def _tail(self) -> str:
        return " / ".join(self.log.read_text(errors="replace").splitlines()[-3:])
