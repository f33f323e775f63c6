"""One look and its plan, for twins of what follows from them."""

from autoscale.control.look import Look
from autoscale.plan.model import Plan, Timing
from autoscale.plan.planner import plan
from autoscale.targets.pools import PoolTerms
from tests.autoscale.control.test_look import seen

TIMING = Timing(node_default_s=60, pod_default_s=30, verify_s=30, safety_s=30)


def planned(maximum: int | None = None, **kinds: object) -> tuple[Look, Plan]:
    """At noon; promotions as `test_look.promotion` makes them start ten minutes later."""
    found = seen(pools={"ads": PoolTerms(maximum=maximum)}, **kinds)
    return found, plan(found.now, found.planned, found.observed, timing=TIMING)
