"""Reads the places that each know a part of a run: routers, evidence, taps and the run's own files."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from cli.demo_place import FactError, Place
from contracts.tap import TapReport
from router.audit import AuditError, verify
from runtime.control import call_control

POLL_S = 0.1
Row = TypeVar("Row")


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What the routers counted, and what their evidence on disk holds."""

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


def read_counts(place: Place) -> Counts:
    """Counters and evidence of every router now. Raises `FactError`."""
    metrics = [totals(text) for text in place.read_metrics()]
    try:
        audits = [verify(directory) for directory in place.evidence]
    except AuditError as error:
        raise FactError(str(error)) from error
    return Counts(
        decisions=sum(found.get("isthmus_router_decisions_total", 0) for found in metrics),
        guard_blocks=sum(found.get("isthmus_router_guard_blocks_total", 0) for found in metrics),
        recorded=sum(audit.records for audit in audits),
        chain_ok=all(audit.chain_ok for audit in audits),
    )


def totals(text: str) -> dict[str, int]:
    """Counters of one router in the Prometheus text format, summed over their labels."""
    found: dict[str, int] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + int(sample.value)
    return found


def arm_taps(place: Place, canaries: Path) -> None:
    """Make every tap look for the run's canaries, from zero. Raises `ControlError`."""
    for tap in place.taps:
        call_control(tap, "arm", path=str(canaries), timeout_s=30)


def read_taps(place: Place) -> list[TapReport]:
    """What every tap saw since it was armed. Raises `ControlError`."""
    return [
        msgspec.json.decode(call_control(tap, "seen", timeout_s=60), type=TapReport)
        for tap in place.taps
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
