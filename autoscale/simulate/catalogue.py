"""Every policy by name, for the command line and the benchmark."""

from collections.abc import Callable, Sequence

import msgspec

from autoscale.forecast.occasion import DAY_MIN
from autoscale.simulate.engine import Run, run
from autoscale.simulate.ground import Ground
from autoscale.simulate.policy import Policy
from autoscale.simulate.policy_ours import Ours
from autoscale.simulate.rivals import (
    AsMetric,
    HpaOnly,
    Ramp,
    SameHour,
    Scheduled,
    Window,
    largest_peak,
    last_peak,
    modelled_peak,
    true_peak,
)
from autoscale.simulate.score import Score, score
from autoscale.simulate.trace import Trace

DAY = Window(before_min=DAY_MIN)
Maker = Callable[[Trace, Ground], Policy]


class Named(msgspec.Struct, frozen=True):
    """A policy's sentence and how it is made."""

    what: str
    make: Maker


POLICIES: dict[str, Named] = {
    "isthmus": Named("our planner under learned outlooks", Ours),
    "hpa": Named("the autoscaler alone", lambda _, __: HpaOnly()),
    "keda_cron": Named(
        "cron metric, last event's peak, from an hour before to an hour after",
        lambda trace, ground: AsMetric(Scheduled(trace, ground, last_peak(trace))),
    ),
    "zalando": Named(
        "the same as a metric that ramps over ten minutes",
        lambda trace, ground: Ramp(trace, ground, last_peak(trace)),
    ),
    "aws_like": Named(
        "mean of the same hour over 14 days as a floor", lambda _, ground: SameHour(ground)
    ),
    "day_before": Named(
        "largest peak so far, from a day before to an hour after",
        lambda trace, ground: Scheduled(trace, ground, largest_peak(trace), window=DAY, once=False),
    ),
    "event_q90": Named(
        "event model at its 90 % quantile, an hour before to an hour after",
        lambda trace, ground: Scheduled(trace, ground, modelled_peak(trace, 0.9)),
    ),
    "oracle": Named(
        "the true peak, an hour before to an hour after",
        lambda trace, ground: Scheduled(trace, ground, true_peak(trace)),
    ),
}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One policy on one trace with one seed."""

    policy: str
    trace: str
    seed: int
    score: Score


def simulate(name: str, trace: Trace, *, ground: Ground, seed: int) -> tuple[Result, Run]:
    """Run a policy of the catalogue; KeyError if it has none of that name."""
    policy = POLICIES[name].make(trace, ground)
    done = run(trace, policy, ground=ground, seed=seed)
    figures = score(trace, done, ground=ground)
    return Result(policy=name, trace=trace.name, seed=seed, score=figures), done


def table(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """The figures that decide, as text, one row per result."""
    return [
        (
            result.policy, str(result.score.bad_minutes), str(result.score.bad_in_events),
            f"{result.score.unserved_share:.3f}", f"{result.score.node_hours:,.0f}",
            f"{result.score.not_ready_at_start}", f"{result.score.under_share:.1f}",
            f"{result.score.over_share:.1f}", str(result.score.scalings),
        )
        for result in results
    ]  # fmt: skip


COLUMNS = (
    "policy", "bad min", "in events", "unserved %", "node-hours", "starts missed", "under %", "over %",
    "scalings",
)  # fmt: skip
