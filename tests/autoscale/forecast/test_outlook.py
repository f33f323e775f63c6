"""Outlooks cover what comes, know more the nearer it is, and never look ahead."""

import numpy as np
import pytest

from autoscale.forecast.multiplier import Traits
from autoscale.forecast.outlook import Asked, Outlook, learn, outlook
from autoscale.forecast.past import BEFORE_MIN, BIN_MIN, Past, logs

FLASH = Traits(type="flash", weekday=1, minute_of_day=1200)
ASKED = Asked(traits=FLASH, length_min=60, ordinary=1000.0)


def path(size: float, *, level: float = 1000.0, length: int = 60) -> np.ndarray:
    """A level, then a step of `size` that halves every 20 minutes."""
    offset = np.arange(-BEFORE_MIN, length)
    step = np.where(offset >= 0, size * 0.5 ** (np.maximum(offset, 0) / 20), 0.0)
    return level * (1 + step)


def events(count: int, seed: int = 1, *, sigma: float = 0.35) -> list[Past]:
    rng = np.random.default_rng(seed)
    return [
        Past(
            traits=FLASH, ordinary_log=float(np.log(1000.0)),
            path=logs(path(2 * np.exp(sigma * rng.standard_normal()))),
        )
        for _ in range(count)
    ]  # fmt: skip


def ask(known: list[Past], offset: int, live: np.ndarray, q: float = 0.9, **changes) -> Outlook:
    asked = Asked(**{"traits": FLASH, "length_min": 60, "ordinary": 1000.0, **changes})
    return outlook(asked, learn(known), offset_min=offset, live=live, q=q)


def test_nothing_known_is_the_prior_and_says_so() -> None:
    """Twice the live level in the middle, wider above, no conformal claim."""
    found = ask([], -30, np.full(200, 1000.0))
    assert found.source == "prior"
    assert found.bound.method == "student"
    assert found.middle.max() == pytest.approx(2000.0)
    assert 3000 < found.demand.max() < 8000


def test_the_owners_estimate_counts_until_there_is_history() -> None:
    """Never below `expected_peak` while no conformal bound exists; afterwards events speak."""
    live = np.full(200, 1000.0)
    assert ask([], -30, live, expected_peak=50_000.0).demand.max() == pytest.approx(50_000.0)
    assert ask(events(30), -30, live, expected_peak=50_000.0).demand.max() < 10_000


@pytest.mark.parametrize("count", [4, 12, 40])
def test_the_peak_is_covered_as_often_as_asked(count: int) -> None:
    """Over many histories and many next events at least about 90 % stay below the q90 curve."""
    rng = np.random.default_rng(9)
    covered: list[bool] = []
    for seed in range(60):
        known = learn(events(count, seed))
        live = np.full(200, 1000.0)
        upper = outlook(ASKED, known, offset_min=-20, live=live, q=0.9).demand.max()
        sizes = 2 * np.exp(0.35 * rng.standard_normal(40))
        covered += [bool(1000 * (1 + size) <= upper) for size in sizes]
    assert np.mean(covered) >= 0.87


def test_the_live_level_carries_the_forecast_near_the_start() -> None:
    """With live traffic ten times the ordinary the forecast follows it, from earlier growth."""
    rng = np.random.default_rng(5)
    known = [
        Past(traits=FLASH, ordinary_log=float(np.log(1000.0)), path=logs(path(2.0, level=level)))
        for level in 1000.0 * np.exp(rng.standard_normal(20))
    ]  # fmt: skip
    found = ask(known, -10, np.full(200, 10_000.0))
    assert found.live_share > 0.8
    assert found.middle.max() == pytest.approx(30_000.0, rel=0.1)


def test_far_ahead_only_the_calendar_speaks() -> None:
    """Before paths begin, what is seen now does not matter."""
    known = events(20)
    quiet = ask(known, -1000, np.full(200, 10.0))
    busy = ask(known, -1000, np.full(200, 99_999.0))
    assert quiet.demand.tolist() == busy.demand.tolist()
    assert quiet.live_share == 0.0
    assert quiet.offset_min == -BEFORE_MIN


def test_during_the_event_more_than_planned_raises_the_rest() -> None:
    """A step twice as high as expected is seen and carried forward at once."""
    known = events(20)
    usual = ask(known, 10, path(2.0)[: BEFORE_MIN + 10])
    higher = ask(known, 10, path(6.0)[: BEFORE_MIN + 10])
    assert higher.demand.max() > 1.8 * usual.demand.max()


def test_the_near_future_is_surer_than_the_peak() -> None:
    """Hours before the start the next minutes are bounded closely, the peak widely."""
    found = ask([], -120, np.full(200, 1000.0))
    margin = found.demand / found.middle
    assert margin[0] < 1.4 < margin[-1]


def test_once_the_first_event_runs_its_size_is_seen() -> None:
    """Without history the bound is wide before the start and close after it: live traffic tells."""
    before = ask([], -5, path(3.0)[: BEFORE_MIN - 5])
    running = ask([], 5, path(3.0)[: BEFORE_MIN + 5])
    assert before.demand.max() / before.middle.max() > 1.8
    assert running.demand[0] / running.middle[0] < 1.4


def test_the_curve_covers_the_event_in_bins() -> None:
    """From the bin of the offset to the end; a longer event than any before keeps its last level."""
    found = ask(events(5), -13, np.full(200, 1000.0), length_min=240)
    assert found.offset_min == -15
    assert len(found.demand) == (15 + 240) // BIN_MIN
    assert np.isfinite(found.demand).all()
    assert (found.demand > 0).all()
    after = ask(events(5), 300, np.full(600, 1000.0))
    assert len(after.demand) == 1
