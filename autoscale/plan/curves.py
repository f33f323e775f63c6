"""Which forecast counts for a promotion, and how much of it must be ready at a moment."""

import math
from collections.abc import Iterable

from autoscale.plan.model import Forecast


class Curves:
    """Forecasts by promotion and workload; ordinary traffic stands under the empty promotion.

    One with a value that is no demand is left out, as if there were none: then the expected peak counts.
    """

    def __init__(self, forecasts: Iterable[Forecast]) -> None:
        self._found: dict[tuple[str, str], list[Forecast]] = {}
        for forecast in forecasts:
            if not _is_sound(forecast):
                continue
            self._found.setdefault((forecast.promotion, forecast.workload), []).append(forecast)
        for several in self._found.values():
            several.sort(key=lambda one: one.quantile)

    def of(self, promotion: str, workload: str, quantile: float) -> Forecast | None:
        """The lowest quantile that is at least `quantile`, else the highest there is."""
        several = self._found.get((promotion, workload)) if self._found else None
        if not several:
            return None
        return next((one for one in several if one.quantile >= quantile), several[-1])


def _is_sound(forecast: Forecast) -> bool:
    return forecast.step_s > 0 and all(0 <= value < math.inf for value in forecast.demand)


def scale_of(forecast: Forecast, expected_peak: float) -> float:
    """What the curve is multiplied by, so that its peak is not below what was expected."""
    peak = max(forecast.demand, default=0.0)
    if forecast.replaces_peak or peak <= 0 or peak >= expected_peak:
        return 1.0
    return expected_peak / peak


def highest(forecast: Forecast, since_s: float, until_s: float) -> float:
    """The highest demand the curve has in [since, until]; 0 outside it."""
    begins_s = forecast.begins.timestamp()
    first = max(0, math.floor((since_s - begins_s) / forecast.step_s))
    last = min(len(forecast.demand), math.floor((until_s - begins_s) / forecast.step_s) + 1)
    return max(forecast.demand[first:last], default=0.0) if last > first else 0.0


def highest_until(forecast: Forecast, until_s: float) -> float:
    """The highest demand up to `until`: what was needed once is not given back before the end."""
    return highest(forecast, forecast.begins.timestamp(), until_s)


def next_step(forecast: Forecast, at_s: float) -> float:
    """When the curve takes its next value, after `at_s`."""
    begins_s = forecast.begins.timestamp()
    return begins_s + (math.floor((at_s - begins_s) / forecast.step_s) + 1) * forecast.step_s
