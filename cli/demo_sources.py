"""Reads the places that each know a part of a run: routers, evidence, taps and the run's own files."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from contracts.cloud import CloudState
from contracts.tap import TapReport
from router.audit import AuditError, verify
from runtime.control import call_control

POLL_S = 0.1
ROUTERS = ("core", "edge")
RELAYS = ("link.control", "tap.control")
Row = TypeVar("Row")


class FactError(Exception):
    """A place that should know a part of the run does not answer."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What both routers counted, and what their evidence on disk holds."""

    decisions: int
    guard_blocks: int
    recorded: int
    chain_ok: bool

    def since(self, before: "Counts") -> "Counts":
        """The counts of the time after `before` was read."""
        return Counts(
            decisions=self.decisions - before.decisions,
            guard_blocks=self.guard_blocks - before.guard_blocks,
            recorded=self.recorded - before.recorded,
            chain_ok=self.chain_ok,
        )


def read_counts(state: CloudState) -> Counts:
    """Counters and evidence of both routers now. Raises `FactError`."""
    metrics = [_metrics(state.endpoints[f"{router}.probe"]) for router in ROUTERS]
    try:
        audits = [verify(Path(state.endpoints[f"{router}.evidence"])) for router in ROUTERS]
    except AuditError as error:
        raise FactError(str(error)) from error
    return Counts(
        decisions=sum(found.get("isthmus_router_decisions_total", 0) for found in metrics),
        guard_blocks=sum(found.get("isthmus_router_guard_blocks_total", 0) for found in metrics),
        recorded=sum(audit.records for audit in audits),
        chain_ok=all(audit.chain_ok for audit in audits),
    )


def _metrics(probe: str) -> dict[str, int]:
    """Counters of a router, summed over their labels."""
    url = f"http://{probe}/metrics"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
    except (OSError, urllib.error.URLError) as error:
        raise FactError(f"{url}: {error}; expected a running router") from error
    totals: dict[str, int] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            totals[sample.name] = totals.get(sample.name, 0) + int(sample.value)
    return totals


def arm_taps(state: CloudState, canaries: Path) -> None:
    """Make both taps look for the run's canaries, from zero. Raises `ControlError`."""
    for relay in RELAYS:
        call_control(Path(state.endpoints[relay]), "arm", path=str(canaries), timeout_s=30)


def read_taps(state: CloudState) -> list[TapReport]:
    """What both taps saw since they were armed. Raises `ControlError`."""
    return [
        msgspec.json.decode(
            call_control(Path(state.endpoints[relay]), "seen", timeout_s=60), type=TapReport
        )
        for relay in RELAYS
    ]


def read_lines(path: Path, kind: type[Row]) -> list[Row]:
    """A file of JSON lines; a torn last line (its writer was killed) is left out. Raises `FactError`."""
    decoder = msgspec.json.Decoder(kind)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FactError(
            f"{path}: {error.strerror}; expected the load run to have written it"
        ) from error
    whole, _, _torn = data.rpartition(b"\n")
    try:
        return [decoder.decode(line) for line in whole.splitlines()]
    except msgspec.MsgspecError as error:
        raise FactError(f"{path}: {error}") from error


def clock_offset_s() -> float:
    """Wall clock minus monotonic clock: it moves only when somebody sets the time."""
    return time.time() - time.monotonic()


def poll(done: Callable[[], bool], *, within_s: float) -> bool:
    """Ask until `done` says yes; False when time runs out first."""
    deadline = time.monotonic() + within_s
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
