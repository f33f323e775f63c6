"""Walks a forecaster through a history: what it would have said at the start of each event, then what is to come."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from autoscale.forecast.forecaster import Forecaster
from autoscale.forecast.occasion import Event, occasions
from autoscale.forecast.outlook import Outlook


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is not over, and its outlook as of the end of the history."""

    event: Event
    outlook: Outlook


def walk(
    forecaster: Forecaster, events: Sequence[Event], demand: NDArray[np.float64]
) -> list[Coming]:
    """Judge every event that is over by the past before it, then look at those that are not.

    Afterwards `forecaster.kept` holds the judged ones.
    """
    for event in occasions(events):
        if event.end_min <= len(demand):
            past = demand[: event.start_min]
            if len(past):
                forecaster.learn(past)
                forecaster.outlook(event, past)
    forecaster.learn(demand)
    return [
        Coming(event=event, outlook=forecaster.outlook(event, demand))
        for event in occasions(events)
        if event.end_min > len(demand)
    ]
