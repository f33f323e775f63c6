"""What the planner is shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

from autoscale.control.look import Demand, Known, Look, Terms, look
from autoscale.targets.pools import GroupSeen, PoolTerms
from autoscale.targets.snapshot import Snapshot
from tests.autoscale.targets.objects import deployment, hpa, snapshot

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
KEY = "HorizontalPodAutoscaler/ads/x"
LATER = {"metadata": {"deletionTimestamp": "2026-11-11T11:59:00Z"}}


def promotion(
    *, start_s: float = 600, end_s: float = 1200, status: dict[str, Any] | None = None, **more: Any
):
    at = {
        name: (NOON + timedelta(seconds=s)).isoformat()
        for name, s in (("start", start_s), ("end", end_s))
    }
    one = {
        "name": "w",
        "ref": {"name": "x"},
        "expectedPeak": 100,
        "capacityPerReplica": 10,
        "pool": "ads",
    }
    return {"spec": at | {"workloads": [one], "mode": "Auto"}, "status": status or {}} | more


def seen(
    known: Known | None = None, pools: dict[str, PoolTerms] | None = None, **kinds: Any
) -> Look:
    all_: Snapshot = snapshot(
        **({"hpas": {"ads/x": hpa()}, "deployments": {"ads/x": deployment()}} | kinds)
    )
    return look(
        all_, NOON, known=known or Known(), terms=Terms(namespace="isthmus", pools=pools or {})
    )


ENTRY = {"workload": KEY, "floor": 2, "ceiling": 9, "manager": "", "since": "2026-11-11T11:00:00Z"}


def test_a_promotion_is_read_with_its_approval_and_its_age() -> None:
    """From the annotation and the API server's own time."""
    meta = {
        "annotations": {"isthmus.dev/approved": "true"},
        "creationTimestamp": "2026-11-01T00:00:00Z",
    }
    found = seen(promotions={"ads/p": promotion(metadata=meta)})
    (one,) = found.planned
    assert (one.namespace, one.name, one.approved) == ("ads", "p", True)
    assert one.created == datetime(2026, 11, 1, tzinfo=UTC)


def test_one_that_cannot_be_read_is_not_planned_and_says_why() -> None:
    """Its spec, or its status: without that nothing is known of what is ours."""
    bad = promotion()
    bad["spec"]["lead"] = "soon"
    odd = promotion(status={"phase": "Sleeping"})
    found = seen(promotions={"ads/bad": bad, "ads/odd": odd, "ads/good": promotion()})
    assert [one.name for one in found.planned] == ["good"]
    assert "spec cannot be read" in found.seen["ads/bad"].fault
    assert "status cannot be read" in found.seen["ads/odd"].fault


def test_a_record_makes_its_floor_the_baseline() -> None:
    """While the promotion has not ended, or while the floor is ours; not of a workload that is nobody's."""
    recorded = promotion(status={"baselines": [ENTRY]})
    owner = [
        {
            "manager": "isthmus-autoscale",
            "operation": "Apply",
            "fieldsV1": {"f:spec": {"f:minReplicas": {}}},
        }
    ]
    ours = {"ads/x": hpa() | {"metadata": {"managedFields": owner}}}
    found = seen(promotions={"ads/p": recorded}, hpas=ours).observed.workloads[KEY]
    assert (found.baseline, found.baseline_ceiling, found.owner) == (2, 9, "")
    over = promotion(start_s=-900, end_s=-60, status={"baselines": [ENTRY]})
    assert seen(promotions={"ads/p": over}).observed.workloads[KEY].baseline is None
    assert seen(promotions={"ads/p": over}, hpas=ours).observed.workloads[KEY].baseline == 2


def test_demand_and_capacity_come_from_where_they_are_known() -> None:
    """Missing demand stays missing."""
    known = Known(demand={KEY: Demand(5.0, 7.0)}, capacity={KEY: 33.0})
    found = seen(known, promotions={"ads/p": promotion()}).observed.workloads[KEY]
    assert (found.demand, found.demand_high, found.capacity) == (5.0, 7.0, 33.0)
    found = seen(promotions={"ads/p": promotion()}).observed.workloads[KEY]
    assert (found.demand, found.capacity) == (None, None)


def test_a_deleted_promotion_is_not_planned_but_its_capacity_still_judges_traffic() -> None:
    """Unless one that stays names the workload."""
    going = promotion(**LATER)
    found = seen(promotions={"ads/p": going})
    assert found.planned == []
    assert found.observed.workloads[KEY].capacity == 10
    both = seen(promotions={"ads/p": going, "ads/q": promotion()})
    assert both.observed.workloads[KEY].capacity is None


def test_a_workload_of_a_record_is_looked_at_though_nobody_names_it() -> None:
    """The spec was changed meanwhile; one that does not exist is left out."""
    other = dict(ENTRY, workload="Deployment/ads/x")
    found = seen(promotions={"ads/p": promotion(status={"baselines": [other]})})
    assert set(found.targets) == {KEY, "Deployment/ads/x"}
    assert seen(hpas={}, promotions={"ads/p": promotion()}).targets == {}


def test_pools_are_those_that_are_named_recorded_or_still_held() -> None:
    """What holds nodes for nobody is found too, so that it is let go; not in another namespace."""
    held = deployment(5) | {"metadata": {"labels": {"isthmus.dev/holds": "old"}}}
    status = {"poolBaselines": [{"pool": "gone", "minimum": 1, "ready": 2}]}
    found = seen(
        Known(groups={"ads": GroupSeen(minimum=4, maximum=8)}), {"ads": PoolTerms(means="group")},
        promotions={"ads/p": promotion(status=status)},
        deployments={"isthmus/isthmus-hold-old": held, "else/isthmus-hold-x": held},
    )  # fmt: skip
    assert set(found.pools) == {"ads", "gone", "old"}
    assert (found.observed.pools["gone"].baseline, found.observed.pools["gone"].baseline_ready) == (
        1,
        2,
    )
    assert (found.observed.pools["ads"].minimum, found.observed.pools["ads"].maximum) == (4, 8)


def test_node_hours_are_those_of_the_status_and_since() -> None:
    """Since the status was written, as its own book says."""
    book = [
        {
            "manager": "isthmus-autoscale",
            "operation": "Apply",
            "subresource": "status",
            "time": "2026-11-11T11:00:00Z",
            "fieldsV1": {},
        }
    ]
    one = promotion(status={"spentNodeHours": 1.5}, metadata={"managedFields": book})
    found = seen(Known(nodes_now={"ads/p": 4}), promotions={"ads/p": one})
    assert found.observed.spent_node_hours == {"ads/p": 5.5}
    assert seen(promotions={"ads/p": promotion()}).observed.spent_node_hours == {"ads/p": 0.0}
