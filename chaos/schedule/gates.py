"""May chaos run now, and what is due? Pure: calendar, time, budget and past runs in, answers out."""

from collections.abc import Iterator, Mapping
from datetime import datetime, time

import msgspec

from chaos.schedule.calendar import Budget, Calendar, Window, moment
from chaos.schedule.cron import parse
from contracts.chaos import ChaosReason

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
REQUESTS_MIN = 1000
"""Below this a single failure says more about chance than about the budget."""


class Burn(msgspec.Struct, frozen=True, kw_only=True):
    """What the routers have counted; `unknown` says why nobody could be asked."""

    requests: int = 0
    failed: int = 0
    unknown: str = ""


def refusals(calendar: Calendar, now: datetime, burn: Burn) -> tuple[ChaosReason, ...]:
    """Why chaos may not run now; empty when it may."""
    return (*_freezes(calendar, now), *_windows(calendar, now), *_budget(calendar.budget, burn))


def _freezes(calendar: Calendar, now: datetime) -> Iterator[ChaosReason]:
    for freeze in calendar.freezes:
        start, end = moment(freeze.start), moment(freeze.end)
        if start and end and start <= now < end:
            text = f"sale freeze {freeze.name} until {freeze.end}"
            yield ChaosReason(id="refused_freeze", text=text)


def _windows(calendar: Calendar, now: datetime) -> Iterator[ChaosReason]:
    if not calendar.windows or any(
        _inside(it, now.astimezone(calendar.tz)) for it in calendar.windows
    ):
        return
    allowed = "; ".join(f"{' '.join(it.days)} {it.start}-{it.end}" for it in calendar.windows)
    local = now.astimezone(calendar.tz)
    yield ChaosReason(
        id="refused_window",
        text=f"{DAYS[local.weekday()]} {local:%H:%M} {calendar.zone}; allowed: {allowed}",
    )


def _inside(window: Window, local: datetime) -> bool:
    if DAYS[local.weekday()] not in window.days:
        return False
    clock = local.time().replace(tzinfo=None)
    return time.fromisoformat(window.start) <= clock < time.fromisoformat(window.end)


def _budget(budget: Budget, burn: Burn) -> Iterator[ChaosReason]:
    if not budget.objective:
        return
    if burn.unknown:
        yield ChaosReason(
            id="refused_budget", text=f"the error budget is not known: {burn.unknown}"
        )
        return
    left = budget_left(budget, burn)
    if burn.requests >= REQUESTS_MIN and left < budget.left_min:
        yield ChaosReason(
            id="refused_budget",
            text=f"{burn.failed} of {burn.requests} requests failed, objective {budget.objective:g}",
            measured=round(left, 4), limit=budget.left_min,
        )  # fmt: skip


def budget_left(budget: Budget, burn: Burn) -> float:
    """The share of the error budget that is left, 0 to 1."""
    allowed = burn.requests * (1 - budget.objective)
    return 1.0 if not burn.failed else max(0.0, 1 - burn.failed / allowed) if allowed else 0.0


class DueNow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the schedule: when it last should have begun, whether that was done, why not now."""

    experiment: str
    cron: str
    since: str
    last_run: str
    due: bool
    refused: tuple[ChaosReason, ...] = ()


def due(
    calendar: Calendar, now: datetime, last_runs: Mapping[str, float], *, burn: Burn
) -> tuple[DueNow, ...]:
    """The schedule's lines; `last_runs` has the wall time at which each experiment last began."""
    closed = refusals(calendar, now, burn)
    lines: list[DueNow] = []
    for line in calendar.schedule:
        ticked = parse(line.cron).last(now.astimezone(calendar.tz))
        ran_s = last_runs.get(line.experiment)
        is_due = ticked is not None and (ran_s is None or ran_s < ticked.timestamp())
        lines.append(
            DueNow(
                experiment=line.experiment,
                cron=line.cron,
                since=ticked.isoformat() if ticked else "",
                last_run=datetime.fromtimestamp(ran_s, calendar.tz).isoformat() if ran_s else "",
                due=is_due,
                refused=closed if is_due else (),
            )
        )
    return tuple(lines)
