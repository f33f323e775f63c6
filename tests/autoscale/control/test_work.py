"""Which writes a pass makes."""

import json

from autoscale.control.status import Troubles
from autoscale.control.work import (
    FINALIZER,
    FORCE,
    decided_on,
    farewells,
    finalizers,
    pools,
    statuses,
    workloads,
)
from autoscale.targets.holders import Shape
from tests.autoscale.control.passes import planned
from tests.autoscale.control.test_holding import sale
from tests.autoscale.control.test_look import ENTRY, KEY, LATER
from tests.autoscale.targets.objects import deployment, hpa, snapshot

GUARDED = {"finalizers": [FINALIZER]}
POOLS = [{"pool": "ads", "minimum": 0, "ready": 0}]
OURS = [
    {
        "manager": "isthmus-autoscale",
        "operation": "Apply",
        "fieldsV1": {"f:spec": {"f:minReplicas": {}}},
    }
]
RAISED = {"ads/x": hpa(low=12) | {"metadata": {"managedFields": OURS}}}
SHAPES = {"ads": Shape(namespace="isthmus", image="pause")}


def test_the_finalizer_comes_before_any_record() -> None:
    """Only for who holds; a status with records waits for it."""
    look, plan = planned(promotions={"ads/p": sale(), "ads/q": sale(start_s=7200, end_s=9000)})
    (write,) = finalizers(look, plan)
    assert write.subject == "ads/p"
    assert json.loads(write.ask.body)["metadata"]["finalizers"] == [FINALIZER]
    assert [one.subject for one in statuses(look, plan, Troubles())] == ["ads/q"]


def test_a_status_is_applied_whole_and_without_nulls() -> None:
    """Through its subresource, forced, on the version looked at."""
    look, plan = planned(promotions={"ads/p": sale(metadata=GUARDED)})
    (write,) = statuses(look, plan, Troubles())
    body = json.loads(write.ask.body)
    assert write.ask.path.endswith("/promotions/p/status")
    assert body["status"]["poolBaselines"] == POOLS
    assert "null" not in write.ask.body.decode()
    assert write.change is not None


def test_nodes_are_held_only_once_their_record_is_stored() -> None:
    """What was there must be known before anything is added."""
    bare, plan = planned(promotions={"ads/p": sale(metadata=GUARDED)})
    assert list(pools(bare, plan, snapshot(), shapes=SHAPES)) == []
    look, plan = planned(
        promotions={"ads/p": sale(metadata=GUARDED, status={"poolBaselines": POOLS})}
    )
    (write,) = pools(look, plan, snapshot(), shapes=SHAPES)
    assert json.loads(write.ask.body)["spec"]["replicas"] == 2


def test_what_holds_nodes_for_nobody_goes() -> None:
    """Also without any record: it is ours by its label."""
    held = deployment(5) | {"metadata": {"labels": {"isthmus.dev/holds": "ads"}}}
    look, plan = planned(deployments={"isthmus/isthmus-hold-ads": held, "ads/x": deployment()})
    (write,) = pools(look, plan, snapshot(), shapes=SHAPES)
    assert (write.ask.method, write.gone) == ("DELETE", True)


def test_a_floor_without_a_record_is_never_written() -> None:
    """Whatever the plan says."""
    look, plan = planned(promotions={"ads/p": sale(start_s=-60, metadata=GUARDED)})
    assert plan.workloads[KEY].action == "raise"
    assert list(workloads(look, decided_on(look, plan), snapshot(), restore_s=600)) == []
    stored = sale(start_s=-60, metadata=GUARDED, status={"baselines": [ENTRY | {"floor": 4}]})
    look, plan = planned(promotions={"ads/p": stored})
    (write,) = workloads(look, decided_on(look, plan), snapshot(), restore_s=600)
    assert json.loads(write.ask.body)["spec"]["minReplicas"] == plan.workloads[KEY].floor


def test_a_deleted_promotion_goes_once_nothing_of_it_stands() -> None:
    """While the floor is ours it stays; after its time, or by annotation, the baseline is written at once."""
    status = {"baselines": [ENTRY | {"written": 12}]}
    going = sale(status=status, metadata=GUARDED | LATER["metadata"])
    look, plan = planned(promotions={"ads/p": going}, hpas=RAISED)
    assert list(workloads(look, decided_on(look, plan), snapshot(), restore_s=600)) == []
    assert list(farewells(look, {}, restore_s=600)) == []
    (write,) = workloads(look, decided_on(look, plan), snapshot(), restore_s=30)
    assert json.loads(write.ask.body)["spec"]["minReplicas"] == 2
    forced = sale(
        status=status, metadata=GUARDED | LATER["metadata"] | {"annotations": {FORCE: "true"}}
    )
    look, plan = planned(promotions={"ads/p": forced}, hpas=RAISED)
    assert len(list(workloads(look, decided_on(look, plan), snapshot(), restore_s=600))) == 1
    assert list(farewells(look, {}, restore_s=600)) == []
    assert len(list(farewells(look, {KEY: "403"}, restore_s=600))) == 1
    look, plan = planned(promotions={"ads/p": going})
    (write,) = farewells(look, {}, restore_s=600)
    assert json.loads(write.ask.body)["metadata"]["finalizers"] == []


def test_a_deleted_promotion_need_not_wait_where_another_has_the_record() -> None:
    """The other one restores."""
    status = {"baselines": [ENTRY | {"written": 12}]}
    going = sale(status=status, metadata=GUARDED | LATER["metadata"])
    look, _ = planned(promotions={"ads/p": going, "ads/q": sale(status=status)}, hpas=RAISED)
    assert [one.subject for one in farewells(look, {}, restore_s=600)] == ["ads/p"]


def test_a_workload_that_changed_since_the_plan_waits_for_the_next() -> None:
    """Somebody may have taken it meanwhile; the plan was not made for that."""
    stored = sale(start_s=-60, metadata=GUARDED, status={"baselines": [ENTRY | {"floor": 4}]})
    before, plan = planned(promotions={"ads/p": stored})
    newer = {"ads/x": hpa() | {"metadata": {"resourceVersion": "8"}}}
    after, _ = planned(promotions={"ads/p": stored}, hpas=newer)
    assert list(workloads(after, decided_on(before, plan), snapshot(), restore_s=600)) == []
    assert len(list(workloads(after, decided_on(after, plan), snapshot(), restore_s=600))) == 1
