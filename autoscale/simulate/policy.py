"""What a scaling policy may see and say. It never holds the trace: only minutes that are over, and the calendar."""

from typing import Protocol

import msgspec

from autoscale.simulate.trace import Minutes


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster and the past, as an operator's monitoring shows them at the start of `minute`.

    `demand` holds the offered requests of every whole minute before `minute`; `recommended` is what the HPA's metric
    asked for last; `replicas` exist in any state, `ready` serve.
    """

    minute: int
    demand: Minutes
    replicas: int
    ready: int
    nodes: int
    recommended: int


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy wants now: a floor under the HPA, nodes to hold, or a schedule metric beside CPU.

    `scheduled` is a number of replicas fed to the HPA as a metric (KEDA cron, Zalando): unlike the floor it goes
    through tolerance, behaviours and stabilization.
    """

    floor: int = 0
    nodes: int = 0
    scheduled: int | None = None


NOTHING = Wish()


class Policy(Protocol):
    """A plug-in of the simulator."""

    def decide(self, view: View) -> Wish:
        """The wish from `view.minute` on, until the next decision."""
        ...
