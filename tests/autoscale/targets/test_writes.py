"""How a floor is written and given back."""

import json
from datetime import UTC, datetime

from autoscale.targets.workloads import target_of
from autoscale.targets.writes import RESTORED, differs, restore, set_floor, wake
from contracts.promotion import Baseline
from tests.autoscale.targets.objects import deployment, hpa, snapshot

KEY = "HorizontalPodAutoscaler/ads/x"
NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
BASE = Baseline(workload=KEY, floor=4, ceiling=20, manager="helm", since=NOON)


def book(manager: str, operation: str, *fields: str) -> dict[str, object]:
    return {
        "manager": manager,
        "operation": operation,
        "fieldsV1": {"f:spec": {f"f:{one}": {} for one in fields}},
    }


def seen(*books: dict[str, object], low: int = 4, high: int = 20):
    meta = {"managedFields": list(books)}
    return target_of(KEY, snapshot(hpas={"ads/x": hpa(low=low, high=high) | {"metadata": meta}}))


def test_only_the_floor_is_sent_while_the_ceiling_is_high_enough() -> None:
    """What stands in nobody's way stays whose it is; a field of another is taken by force, on that version."""
    ask = set_floor(
        seen(book("helm", "Update", "minReplicas", "maxReplicas")), BASE, floor=12, ceiling=20
    )
    body = json.loads(ask.body)
    assert (body["spec"], ask.query["force"]) == ({"minReplicas": 12}, "true")
    assert body["metadata"]["resourceVersion"] == "7"
    assert set_floor(seen(), BASE, floor=12, ceiling=20).query["force"] == "false"


def test_a_ceiling_that_is_raised_is_sent_and_stays_sent() -> None:
    """Leaving out a field that is ours would take it away."""
    ask = set_floor(seen(book("helm", "Update", "maxReplicas")), BASE, floor=30, ceiling=36)
    assert json.loads(ask.body)["spec"] == {"minReplicas": 30, "maxReplicas": 36}
    assert ask.query["force"] == "true"
    ours = seen(book("isthmus-autoscale", "Apply", "minReplicas", "maxReplicas"), low=30, high=36)
    assert json.loads(set_floor(ours, BASE, floor=12, ceiling=20).body)["spec"]["maxReplicas"] == 20
    assert (
        json.loads(set_floor(ours, BASE, floor=12, ceiling=None).body)["spec"]["maxReplicas"] == 36
    )


def test_restoring_speaks_for_whom_it_belonged_to() -> None:
    """The ceiling only where it is ours; a field nobody owned gets a name that is not ours."""
    ours = seen(book("isthmus-autoscale", "Apply", "minReplicas"), low=12)
    ask = restore(ours, BASE)
    assert (json.loads(ask.body)["spec"], ask.query) == (
        {"minReplicas": 4},
        {"fieldManager": "helm"},
    )
    both = seen(book("isthmus-autoscale", "Apply", "minReplicas", "maxReplicas"), low=30, high=36)
    nobody = Baseline(workload=KEY, floor=1, ceiling=20, since=NOON)
    ask = restore(both, nobody)
    assert json.loads(ask.body)["spec"] == {"minReplicas": 1, "maxReplicas": 20}
    assert ask.query == {"fieldManager": RESTORED}


def test_what_stands_already_is_not_written() -> None:
    """Ours, at that floor and that ceiling; the same number of somebody else is written, to make it ours."""
    ours = seen(book("isthmus-autoscale", "Apply", "minReplicas"), low=12)
    assert not differs(ours, floor=12, ceiling=20)
    assert differs(ours, floor=13, ceiling=20)
    assert differs(ours, floor=12, ceiling=30)
    assert not differs(ours, floor=12, ceiling=None)
    assert differs(seen(low=12), floor=12, ceiling=20)


def test_a_workload_at_zero_is_woken_with_one_replica() -> None:
    """Through its scale; one that is awake, and one of an unknown kind, are left alone."""
    asleep = snapshot(hpas={"ads/x": hpa()}, deployments={"ads/x": deployment(0, 0)})
    ask = wake(target_of(KEY, asleep), asleep)
    assert ask is not None
    assert ask.path.endswith("/deployments/x/scale")
    assert json.loads(ask.body) == {"spec": {"replicas": 1}}
    awake = snapshot(hpas={"ads/x": hpa()}, deployments={"ads/x": deployment()})
    assert wake(target_of(KEY, awake), awake) is None
    strange = snapshot(hpas={"ads/x": hpa(kind="Rollout")})
    assert wake(target_of(KEY, strange), strange) is None
