"""What a demo run is asked to do, and when its faults fall. Pure."""

from pathlib import Path
from typing import Literal

import msgspec

from contracts.fault import FaultKind
from contracts.load import LoadPlan, Operation
from contracts.reasons import ReasonId

Without = Literal["scan", "failover", "eos", "idempotency", "guard-and-scan"]
"""The last is the one that really leaks: what it leaves on a kept cloud's public disks would be found by the next."""

CONTROL_REASON: dict[Without, ReasonId] = {
    "scan": "guard_block",
    "failover": "failed_idempotent",
    "eos": "events_duplicate",
    "idempotency": "orders_duplicate",
    "guard-and-scan": "leak_public",
}
"""The reason each negative control must end with: what the missing mechanism is there to prevent."""

DURATION_S_MIN, DURATION_S_MAX = 15.0, 86_400.0
RATE_MIN, RATE_MAX = 50.0, 20_000.0
MIX: dict[Operation, float] = {"ads": 0.70, "click": 0.20, "order": 0.07, "profile": 0.03}
NODE_SHARE = 0.3
DROP_SHARE = 0.02
FAULTS: tuple[FaultKind, ...] = (
    "response_drop", "node_kill", "link_cut", "bridge_kill", "bridge_kill",
)  # fmt: skip
"""What every run must have seen take effect."""
DROP_ATTEMPTS = 4
"""One more than the router repeats by itself (attempts_max 4), so that the client has to repeat too."""


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """One run; `rate` in requests a second over both doors, `root` holds `.isthmus/`."""

    root: Path
    seed: int
    rate: float
    duration_s: float
    without: Without | None = None
    keep: bool = False


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When each fault is injected, in seconds after the first request.

    The bridge dies last, so that a cut link and a dead bridge are told apart; each fault has the time until
    the next one to itself.
    """

    drop_s: float
    kill_s: float
    cut_s: float
    heal_s: float
    bridge_first_s: float
    bridge_second_s: float


def schedule(duration_s: float) -> Schedule:
    """Fractions of the run: nodes at 1/3, link from 9/20 to 11/20, bridge at 5/8 and 3/4."""
    return Schedule(
        drop_s=duration_s * 0.03,
        kill_s=duration_s / 3,
        cut_s=duration_s * 0.45,
        heal_s=duration_s * 0.55,
        bridge_first_s=duration_s * 0.625,
        bridge_second_s=duration_s * 0.75,
    )


def load_plan(options: DemoOptions, *, run: str, core: str, edge: str) -> LoadPlan:
    """The traffic of a demo: 70 % ads, 20 % clicks, 7 % orders, 3 % profiles through both doors."""
    return LoadPlan(
        run=run,
        seed=options.seed,
        rate=options.rate,
        duration_s=options.duration_s,
        core=core,
        edge=edge,
        mix=MIX,
    )


def problem(*, rate: float, duration_s: float) -> str | None:
    """What is wrong with the numbers asked for, as one line, or None."""
    # written so that nan, which is in no range, is refused as well
    if not DURATION_S_MIN <= duration_s <= DURATION_S_MAX:
        return (
            f"--duration {duration_s:g}: expected {DURATION_S_MIN:g} to {DURATION_S_MAX:g} seconds, "
            "or the faults would overlap; fix: --duration 15"
        )
    if not RATE_MIN <= rate <= RATE_MAX:
        return (
            f"--rate {rate:g}: expected {RATE_MIN:g} to {RATE_MAX:g} requests a second, "
            "or the verdict rests on too few; fix: --rate 600"
        )
    return None
