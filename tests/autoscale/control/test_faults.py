"""What goes wrong around the controller: refusals, other hands, deletions, other means of holding nodes."""

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from autoscale.control.controller import group_minimums, kind_of
from autoscale.control.lease import LeaseLostError
from autoscale.control.work import FINALIZER, FORCE
from autoscale.kube.ports import Answer, Ask, UnreachableError
from autoscale.targets.pools import GroupSeen, PoolTerms
from tests.autoscale.control.fake_api import status
from tests.autoscale.control.fake_shop import DEPLOYMENT, HOLD, HPA, KEY, NOON, PROMO, Shop

RAISED = 1500


def raised(shop: Shop, **spec: Any):
    """A shop in the middle of a sale's lead: everything stands."""
    shop.promote(**spec)
    loop = shop.controller()
    loop.during(RAISED)
    assert shop.floor == 12
    return loop


def conditions(shop: Shop, path: str = PROMO) -> dict[str, dict[str, Any]]:
    return {one["type"]: one for one in shop.api.get(path)["status"].get("conditions", [])}


@pytest.mark.parametrize(
    "answer",
    [
        status(500, "InternalError", "etcd is away"), status(503, "ServiceUnavailable", "no"),
        status(429, "TooManyRequests", "later", after_s=5), status(409, "Conflict", "the object has been modified"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("every", [2, 3])
def test_writes_that_fail_now_and_then_are_done_in_the_end(answer: Answer, every: int) -> None:
    """Every second or third write is refused: the sale is served and given back all the same, once."""
    shop, count = Shop(), [0]

    def sometimes(ask: Ask) -> Answer | None:
        if ask.method == "GET":
            return None
        count[0] += 1
        return answer if count[0] % every == 0 else None

    shop.api.before = sometimes
    before = shop.api.get(HPA)["spec"]
    loop = raised(shop)
    assert shop.nodes == 6
    shop.demand(100)
    loop.during(3600)
    assert shop.api.get(HPA)["spec"] == before
    assert HOLD not in shop.api.objects
    restores = [ask for ask in shop.api.writes if ask.query.get("fieldManager") == "kubectl-create"]
    assert len(restores) == 1


def test_writes_whose_answer_is_lost_are_not_done_twice() -> None:
    """The write was made, the connection died: the next look finds it and goes on from there."""
    shop, count = Shop(), [0]
    real = shop.api.ask

    def lossy(ask: Ask, *, timeout_s: float) -> Answer:
        answer = real(ask, timeout_s=timeout_s)
        count[0] += ask.method != "GET"
        if ask.method != "GET" and count[0] % 2 == 0:
            raise UnreachableError("connection reset")
        return answer

    shop.api.ask = lossy  # type: ignore[method-assign]
    before = shop.api.get(HPA)["spec"]
    loop = raised(shop)
    shop.demand(100)
    loop.during(3600)
    assert shop.api.get(HPA)["spec"] == before
    assert shop.api.get(PROMO)["status"]["phase"] == "Released"


def test_a_write_that_is_not_allowed_is_said_and_tried_once_a_minute() -> None:
    """403 is a person's to put right; nothing else is held up by it."""
    shop, tries = Shop(), list[float]()

    def forbid(ask: Ask) -> Answer | None:
        if ask.method != "PATCH" or ask.path != HPA:
            return None
        tries.append(shop.clock.monotonic())
        return status(403, "Forbidden", "cannot patch")

    shop.api.before = forbid
    shop.promote()
    loop = shop.controller()
    loop.during(RAISED)
    assert (shop.floor, shop.nodes) == (4, 6)
    assert {later - sooner for sooner, later in pairwise(tries)} == {60}
    said = conditions(shop)["WriteRefused"]
    assert (said["status"], KEY in said["message"]) == ("True", True)
    assert conditions(shop)["ReplicasReady"]["status"] != "True"
    shop.api.before = lambda ask: None
    loop.during(120)
    assert shop.floor == 12
    assert conditions(shop)["WriteRefused"]["status"] == "False"


def test_without_a_lease_not_one_write_is_made() -> None:
    """Lost in the middle of a pass: the rest of it is not written, and the loop says so."""
    shop = Shop()
    shop.promote(start_s=600)
    loop = shop.controller()
    shop.api.after = lambda ask: setattr(shop.fence, "left", 0.0)
    with pytest.raises(LeaseLostError):
        loop.once()
    assert len(shop.api.writes) == 1


def test_a_declared_floor_is_left_alone_unless_forced() -> None:
    """GitOps applies it again and again: Yield says whose it is and scales nothing; Force takes it."""
    shop = Shop()
    shop.workload("other", manager="kubectl-create")
    book = shop.api.get(HPA)["metadata"]["managedFields"]
    book[0] |= {"manager": "argocd", "operation": "Apply"}
    shop.promote()
    loop = shop.controller()
    loop.during(RAISED)
    assert shop.floor == 4
    assert "argocd scales" in conditions(shop)["Conflict"]["message"]
    shop.api.edit(PROMO, lambda it: it["spec"].update(conflictPolicy="Force"))
    loop.during(300)
    assert shop.floor == 12
    assert conditions(shop)["Conflict"]["status"] == "False"


@pytest.mark.parametrize(("policy", "after"), [("Yield", 7), ("Force", 12)])
def test_a_floor_changed_by_hand_in_a_sale(policy: str, after: int) -> None:
    """Yield lets it stand, says so, and restores nothing over it; Force takes it back and restores the baseline."""
    shop = Shop()
    loop = raised(shop, conflictPolicy=policy)
    shop.api.edit(HPA, lambda it: it["spec"].update(minReplicas=7), manager="kubectl-edit")
    loop.during(120)
    assert shop.floor == after
    if policy == "Yield":
        assert "kubectl-edit scales" in conditions(shop)["Conflict"]["message"]
    shop.demand(100)
    loop.during(3600)
    assert shop.floor == (7 if policy == "Yield" else 4)
    assert not shop.api.get(PROMO)["status"].get("baselines")
    assert loop.once() == 0


def test_a_promotion_deleted_in_its_sale_gives_back_when_traffic_lets_it() -> None:
    """The finalizer holds the object until the baseline is there again."""
    shop = Shop()
    raised(shop)
    loop = shop.controller(restore_s=86400)
    shop.demand(900)
    with shop.api.changed:
        shop.api._delete(PROMO, {})
    loop.during(240)
    assert shop.floor == 12
    assert PROMO in shop.api.objects
    shop.demand(100)
    loop.during(900)
    assert shop.floor == 4
    assert PROMO not in shop.api.objects


def test_a_deleted_promotion_waits_for_traffic_until_its_deadline() -> None:
    """Then the baseline is restored in one step."""
    shop = Shop()
    raised(shop)
    loop = shop.controller(restore_s=300)
    shop.demand(900)
    with shop.api.changed:
        shop.api._delete(PROMO, {})
    loop.during(280)
    assert shop.floor == 12
    loop.during(60)
    assert shop.floor == 4
    assert PROMO not in shop.api.objects


def test_the_annotation_restores_at_once_and_lets_go_even_where_restoring_is_refused() -> None:
    """A namespace is never held up by what cannot be written."""
    shop = Shop()
    loop = raised(shop)
    shop.demand(900)
    shop.api.before = lambda ask: (
        status(403, "Forbidden", "no") if ask.method == "PATCH" and ask.path == HPA else None
    )
    shop.api.edit(PROMO, lambda it: it["metadata"].update(annotations={FORCE: "true"}))
    with shop.api.changed:
        shop.api._delete(PROMO, {})
    loop.during(120)
    assert PROMO not in shop.api.objects


def test_the_record_goes_on_with_the_second_of_two_promotions() -> None:
    """The first is deleted while both hold: the floor follows the second, the baseline is not forgotten."""
    shop = Shop()
    shop.promote("first")
    second = shop.promote("second")
    loop = shop.controller()
    loop.during(RAISED)
    assert shop.floor == 24
    assert shop.nodes == 9
    assert shop.api.get(HPA)["spec"]["maxReplicas"] > 24
    with shop.api.changed:
        shop.api._delete(PROMO.replace("sale", "first"), {})
    loop.during(60)
    assert PROMO.replace("sale", "first") not in shop.api.objects
    assert shop.api.get(second)["status"]["baselines"][0]["floor"] == 4
    shop.demand(100)
    loop.during(4200)
    assert shop.floor == 4
    assert shop.api.get(HPA)["spec"]["maxReplicas"] == 20
    assert shop.nodes == 3


def test_observing_writes_status_and_nothing_else() -> None:
    """Mode Observe of the object, and `observe_only` of the program."""
    for mode, only in (("Observe", False), ("Auto", True)):
        shop = Shop()
        shop.promote(mode=mode)
        loop = shop.controller(observe_only=only)
        loop.during(RAISED)
        assert (shop.floor, shop.nodes) == (4, 3)
        assert shop.api.get(PROMO)["status"]["nodeHours"] > 0
        assert HOLD not in shop.api.objects


def test_a_pool_too_small_is_said_at_planning_time() -> None:
    """Days ahead, with the number; what can be had is had."""
    shop = Shop(nodes_max=4)
    shop.promote(start_s=3 * 86400)
    loop = shop.controller()
    loop.settle()
    said = shop.api.get(PROMO)["status"]
    assert said["shortfall"] == 2
    assert "2 nodes short" in conditions(shop)["Infeasible"]["message"]


def test_metrics_that_go_missing_hold_the_floor() -> None:
    """Nothing is lowered on no news."""
    shop = Shop()
    loop = raised(shop)
    shop.sources.rps = {}
    loop.during(3000)
    assert shop.floor == 12
    assert conditions(shop)["MetricsMissing"]["status"] == "True"


def test_a_capacity_buffer_holds_the_nodes_where_it_is_served() -> None:
    """In its served version, with the pods' template; gone afterwards."""
    shop = Shop()
    shop.api.served = {"autoscaling.x-k8s.io/v1beta1"}
    path = "/apis/autoscaling.x-k8s.io/v1beta1/namespaces/isthmus/capacitybuffers/isthmus-hold-ads"
    shop.promote(start_s=1200)
    loop = shop.controller()
    loop.during(100)
    assert shop.api.get(path)["spec"]["replicas"] == 6
    assert HOLD not in shop.api.objects
    loop.during(200)
    assert path not in shop.api.objects, "nobody acts on it: placeholder pods take over"
    assert shop.nodes == 6
    assert [one for one in shop.api.objects if "/podtemplates/" in one] == []


def test_a_node_group_gets_its_minimum_back() -> None:
    """Raised for the sale, restored once."""
    shop = Shop()
    shop.sources.seen_groups = {"ads": GroupSeen(minimum=2, maximum=9)}
    shop.promote()
    loop = shop.controller(ads=PoolTerms(means="group"))
    loop.during(RAISED)
    shop.demand(100)
    loop.during(3600)
    assert shop.sources.minimums == [("ads", 6), ("ads", 2)]


def test_a_sleeping_workload_is_woken_first() -> None:
    """An HPA does nothing at 0 replicas."""
    shop = Shop()
    shop.api.edit(DEPLOYMENT, lambda it: it["spec"].update(replicas=0))
    shop.promote(start_s=1200)
    loop = shop.controller()
    for _ in range(3):
        shop.clock.advance(200)
        loop.once()
    assert shop.api.get(DEPLOYMENT)["spec"]["replicas"] == 1


def test_a_deployment_without_an_autoscaler_is_scaled_itself() -> None:
    """And one that has one is not."""
    shop = Shop()
    ref = {"kind": "Deployment", "name": "ad-service"}
    one = {"name": "ads", "ref": ref, "expectedPeak": 1000.0, "capacityPerReplica": 100.0}
    shop.promote(workloads=[one], nodes=[])
    loop = shop.controller()
    loop.during(RAISED)
    assert "HorizontalPodAutoscaler/ad-service scales" in conditions(shop)["Conflict"]["message"]
    del shop.api.objects[HPA]
    shop.sources.rps = {"Deployment/ads/ad-service": shop.sources.rps[KEY]}
    for _ in range(30):
        shop.clock.advance(10)
        loop.once()
        wanted = shop.api.get(DEPLOYMENT)["spec"]["replicas"]
        shop.api.edit(
            DEPLOYMENT,
            lambda it, n=wanted: it["status"].update(replicas=n, readyReplicas=n),
            sub="status",
        )
    assert shop.api.get(DEPLOYMENT)["spec"]["replicas"] == 12
    for _ in range(200):
        shop.clock.advance(20)
        loop.once()
    assert shop.api.get(DEPLOYMENT)["spec"]["replicas"] == 4


def test_a_spec_that_cannot_be_read_stops_no_other() -> None:
    """It says what is wrong; the sale beside it is served."""
    shop = Shop()
    bad = shop.promote("bad")
    shop.api.edit(bad, lambda it: it["spec"].update(lead="soon"))
    raised(shop)
    assert "spec cannot be read" in conditions(shop, bad)["Invalid"]["message"]
    assert FINALIZER not in shop.api.get(bad)["metadata"].get("finalizers", [])


def test_twenty_promotions_over_five_workloads() -> None:
    """The floor is there before the start everywhere, every baseline comes back once, then nothing is written."""
    shop = Shop(nodes_max=100)
    names = [f"w{n}" for n in range(5)]
    for name in names:
        shop.workload(name)
    for number in range(20):
        one = {
            "name": "x",
            "ref": {"name": names[number % 5]},
            "expectedPeak": 300.0,
            "capacityPerReplica": 100.0,
        }
        shop.promote(
            f"p{number}", start_s=1800 + 60 * (number // 5), last_s=1200, workloads=[one], nodes=[]
        )
    loop = shop.controller()
    loop.during(1980, step_s=60)
    floors = {
        shop.api.get(HPA.replace("ad-service", name))["spec"]["minReplicas"] for name in names
    }
    assert floors == {15}
    keys = [f"HorizontalPodAutoscaler/ads/{name}" for name in names]
    shop.sources.rps = dict.fromkeys(keys, shop.sources.rps[KEY])
    loop.during(3000, step_s=60)
    for name in names:
        assert shop.api.get(HPA.replace("ad-service", name))["spec"]["minReplicas"] == 4
        path = HPA.replace("ad-service", name)
        restores = [
            a
            for a in shop.api.writes
            if a.path == path and a.query.get("fieldManager") == "kubectl-create"
        ]
        assert len(restores) == 1
    assert loop.once() == 0


def test_node_hours_are_counted_through_a_restart() -> None:
    """What was held since the status was written last is added, whoever reads it."""
    shop = Shop()
    loop = raised(shop)
    first = loop.controller.run_once().look.observed.spent_node_hours["ads/sale"]
    fresh = shop.controller()
    fresh.during(600)
    # held since the lead began, 600 s after the shop was opened
    held_s = (shop.clock.now() - (NOON - timedelta(hours=2))).total_seconds() - 600
    spent = shop.api.get(PROMO)["status"]["spentNodeHours"]
    assert first < spent <= 3 * held_s / 3600 + 0.01
    assert spent >= 3 * (held_s - 320) / 3600


def test_small_things() -> None:
    """The kind of an answer; no node group, no minimum."""
    assert kind_of(json.dumps({"kind": "Promotion"}).encode()) == "Promotion"
    shop = Shop()
    shop.promote()
    loop = shop.controller()
    loop.view.fill()
    passed = loop.controller.run_once()
    assert list(group_minimums(passed.look, passed.plan)) == []
    assert passed.wake_s is not None


def test_a_thousand_words_do_not_hold_up_one_floor() -> None:
    """Writes are limited: records and floors come before what is only said."""
    shop = Shop()
    shop.promote(start_s=60, nodes=[])
    for number in range(300):
        one = {
            "name": "x",
            "ref": {"name": "ad-service"},
            "expectedPeak": 1.0,
            "capacityPerReplica": 100.0,
        }
        shop.promote(f"p{number}", start_s=86400, workloads=[one], nodes=[])
    loop = shop.controller()
    loop.once()
    assert shop.floor > 4
    assert len(shop.api.writes) <= 110
    assert (
        sum(
            "status" not in shop.api.get(path)
            for path in shop.api.objects
            if "/promotions/" in path
        )
        > 150
    )


def test_a_ceiling_of_ours_goes_back_though_the_floor_was_taken() -> None:
    """By hand, under Yield: the hand-made floor stays, the ceiling is what it was."""
    shop = Shop()
    shop.promote("first")
    shop.promote("second")
    loop = shop.controller()
    loop.during(RAISED)
    assert shop.api.get(HPA)["spec"]["maxReplicas"] > 24
    shop.api.edit(HPA, lambda it: it["spec"].update(minReplicas=7), manager="kubectl-edit")
    shop.demand(100)
    loop.during(3600)
    assert (shop.floor, shop.api.get(HPA)["spec"]["maxReplicas"]) == (7, 20)
    assert loop.once() == 0


def test_a_failed_write_nobody_wants_any_more_wakes_nobody() -> None:
    """Its promotion is deleted before it is tried again: the loop rests, and does not spin."""
    shop = Shop()
    shop.promote()
    loop = shop.controller()
    shop.api.before = lambda ask: (
        status(500, "InternalError", "no") if ask.method == "PATCH" and ask.path == HPA else None
    )
    loop.during(RAISED)
    assert shop.floor == 4
    with shop.api.changed:
        shop.api._delete(PROMO, {})
    loop.during(240)
    assert PROMO not in shop.api.objects
    passed = loop.controller.run_once()
    assert (passed.writes, passed.wake_s) == (0, None)
