"""How long nodes take, from earlier promotions."""

from typing import Any

from autoscale.control.measured import measured
from autoscale.plan.model import Timing
from tests.autoscale.control.test_holding import sale
from tests.autoscale.control.test_look import seen

ASSUMED = Timing(node_s={"other": 50.0}, node_default_s=600)


def took(
    seconds: int, *, day: int = 1, state: str = "True", kind: str = "NodesReady"
) -> dict[str, Any]:
    condition = {
        "type": kind, "status": state, "reason": "r", "message": "", "observedGeneration": 1,
        "lastTransitionTime": f"2026-10-{day:02}T10:{seconds // 60:02}:{seconds % 60:02}Z",
    }  # fmt: skip
    return sale(status={"raiseAt": f"2026-10-{day:02}T10:00:00Z", "conditions": [condition]})


def node_s(**promotions: dict[str, Any]) -> dict[str, float]:
    all_ = {f"ads/{name}": one for name, one in promotions.items()}
    return measured(seen(promotions=all_), ASSUMED).node_s


def test_the_longest_of_earlier_orders_is_believed() -> None:
    """Beside what is said in the settings."""
    assert node_s(a=took(90), b=took(140, day=2), c=took(100, day=3)) == {
        "ads": 140.0,
        "other": 50.0,
    }


def test_what_is_no_start_time_does_not_count() -> None:
    """Missed, never asked for, another condition, before the order."""
    assert (
        node_s(a=took(90, state="False"), b=sale(), c=took(90, kind="ReplicasReady"), d=took(0))
        == ASSUMED.node_s
    )


def test_an_order_begins_when_the_promotion_was_known() -> None:
    """One made after its lead began is not counted from before it was there."""
    late = took(90) | {"metadata": {"creationTimestamp": "2026-10-01T10:01:00Z"}}
    assert node_s(a=late)["ads"] == 30.0


def test_a_pool_that_became_faster_is_believed_in_the_end() -> None:
    """Only the latest twenty count."""
    old = {"old": took(1000)}
    assert node_s(**old, **{f"p{day}": took(60, day=day) for day in range(2, 23)})["ads"] == 60.0
