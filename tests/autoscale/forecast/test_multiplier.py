"""Multipliers are pooled: many events of a type are believed, one is not."""

import numpy as np
import pytest

from autoscale.forecast.multiplier import PRIOR_LOG, Example, Traits, fit


def example(kind: str, log: float, *, weekday: int = 1, ordinary: float = 7.0) -> Example:
    traits = Traits(type=kind, weekday=weekday, minute_of_day=1200)
    return Example(traits=traits, ordinary_log=ordinary, peak_log=ordinary + log)


FLASH = Traits(type="flash", weekday=1, minute_of_day=1200)


def test_nothing_known_is_the_prior() -> None:
    """An event nobody has seen doubles ordinary traffic."""
    assert fit([]).peak_log(FLASH, 5.0) == pytest.approx(5.0 + PRIOR_LOG)


def test_a_type_seen_often_is_believed() -> None:
    """Twenty flash sales of x5 beside twenty coupons of x1.5 are told apart."""
    seen = [example("flash", np.log(5.0)), example("coupon", np.log(1.5))] * 20
    model = fit(seen)
    assert np.exp(model.peak_log(FLASH, 0.0)) == pytest.approx(5.0, rel=0.1)
    coupon = Traits(type="coupon", weekday=1, minute_of_day=1200)
    assert np.exp(model.peak_log(coupon, 0.0)) == pytest.approx(1.5, rel=0.1)


def test_a_type_seen_once_is_drawn_to_the_others() -> None:
    """One x20 among twenty x2 is forecast well below 20."""
    seen = [example("coupon", np.log(2.0))] * 20 + [example("flash", np.log(20.0))]
    assert 2.0 < np.exp(fit(seen).peak_log(FLASH, 0.0)) < 12.0


def test_left_out_misses_are_those_of_refitting_without() -> None:
    """The leverage formula equals leaving each event out (columns centred on the whole)."""
    rng = np.random.default_rng(1)
    kinds = ["flash", "coupon", "brand"]
    seen = [example(kinds[i % 3], float(rng.normal(1, 0.4)), weekday=i % 7) for i in range(12)]
    model = fit(seen)
    for index in (0, 5, 11):
        left = fit([one for at, one in enumerate(seen) if at != index])
        miss = seen[index].peak_log - left.peak_log(seen[index].traits, seen[index].ordinary_log)
        assert model.misses[index] == pytest.approx(miss, abs=1e-9)


def test_an_ordinary_level_that_says_nothing_is_unlearned() -> None:
    """Peaks that are always the same, whatever ordinary traffic was, are forecast so."""
    rng = np.random.default_rng(2)
    seen = [
        Example(traits=FLASH, ordinary_log=float(level), peak_log=10.0)
        for level in rng.normal(7, 1, 40)
    ]
    model = fit(seen)
    assert model.slope == pytest.approx(-1.0, abs=0.1)
    assert model.peak_log(FLASH, 9.0) == pytest.approx(10.0, abs=0.3)


def test_without_a_prior_the_mean_is_that_of_the_events() -> None:
    """Used on plain logs, where no prior makes sense."""
    model = fit([example("flash", 3.0, ordinary=0.0)] * 3, prior_log=None)
    assert model.peak_log(FLASH, 0.0) == pytest.approx(3.0, abs=0.01)
