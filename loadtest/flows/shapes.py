"""How many shoppers there are at an instant. Pure; no locust, whose import patches the process."""

import math
from collections.abc import Sequence

from contracts.flows import FlowStage

SPAWN_RATE_MIN = 1.0


def duration_s(stages: Sequence[FlowStage]) -> float:
    """How long all stages take."""
    return sum(stage.for_s for stage in stages)


def users_at(stages: Sequence[FlowStage], now_s: float) -> tuple[int, float] | None:
    """Shoppers at `now_s` and how many may be added a second; None when the run is over."""
    before, start_s = 0, 0.0
    for stage in stages:
        if now_s < start_s + stage.for_s:
            share = (now_s - start_s) / stage.for_s
            users = before + (stage.users - before) * share
            slope = abs(stage.users - before) / stage.for_s
            # Upwards rounded: a run of one shopper begins with one.
            return math.ceil(users), max(slope * 2, SPAWN_RATE_MIN)
        before, start_s = stage.users, start_s + stage.for_s
    return None


def stage_of(text: str) -> FlowStage:
    """`SECONDS:USERS` as written on a command line. Raises `ValueError` saying what was expected."""
    seconds, colon, users = text.partition(":")
    try:
        stage = FlowStage(for_s=float(seconds), users=int(users))
    except ValueError:
        stage = FlowStage(for_s=0, users=-1)
    if not colon or not 0 < stage.for_s <= 86_400 or not 0 <= stage.users <= 1_000_000:
        raise ValueError(f'"{text}" is no stage; expected SECONDS:USERS, such as 60:200')
    return stage
