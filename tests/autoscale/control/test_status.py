"""The status a promotion should have."""

import msgspec

from autoscale.control.status import Troubles, status_of
from tests.autoscale.control.passes import planned
from tests.autoscale.control.test_holding import sale
from tests.autoscale.control.test_look import KEY, promotion

NONE = Troubles()


def test_it_says_phase_figures_and_bill() -> None:
    """In the contract's words; the times in whole seconds."""
    look, plan = planned(promotions={"ads/p": sale()})
    made = status_of(look.seen["ads/p"], look, plan, NONE)
    assert (made.phase, made.nodes, made.replicas) == ("Provisioning", "0/2", "4/12")
    assert made.lead_seconds == 1800
    assert made.node_hours > 0
    assert made.raise_at is not None
    assert made.raise_at.microsecond == 0
    assert {one.type for one in made.conditions} == {"NodesReady", "ReplicasReady"}


def test_a_second_look_says_the_same() -> None:
    """Equal to what is stored: nothing is written."""
    look, plan = planned(promotions={"ads/p": sale()})
    made = status_of(look.seen["ads/p"], look, plan, NONE)
    stored = sale(status=msgspec.to_builtins(made))
    stored["status"] = {k: v for k, v in stored["status"].items() if v is not None}
    look, plan = planned(promotions={"ads/p": stored})
    assert status_of(look.seen["ads/p"], look, plan, NONE) == look.seen["ads/p"].status


def test_a_promotion_a_week_off_is_not_written_at_each_pod() -> None:
    """Its figures stay as they were until something else changes."""
    week = 7 * 86400
    look, plan = planned(promotions={"ads/p": promotion(start_s=week, end_s=week + 600)})
    made = status_of(look.seen["ads/p"], look, plan, NONE)
    other = msgspec.structs.replace(made, replicas="1/2")
    seen = msgspec.structs.replace(look.seen["ads/p"], status=other)
    assert status_of(seen, look, plan, NONE) == other


def test_troubles_are_said_of_whom_they_concern() -> None:
    """A refused write of its workload, a canary that fails; not another's."""
    look, plan = planned(promotions={"ads/p": sale()})
    troubles = Troubles(refused={KEY: "403", "Deployment/x/y": "403"}, canary={KEY: "no answer"})
    made = status_of(look.seen["ads/p"], look, plan, troubles)
    said = {one.type: one.message for one in made.conditions}
    assert said["WriteRefused"] == f"{KEY}: 403"
    assert said["CanaryFailed"] == f"{KEY}: no answer"


def test_too_small_a_pool_is_a_number() -> None:
    """In nodes, over all pools."""
    look, plan = planned(1, promotions={"ads/p": sale()})
    assert status_of(look.seen["ads/p"], look, plan, NONE).shortfall == 1


def test_an_unreadable_spec_is_said_and_nothing_else_is_touched() -> None:
    """The records stay what they were."""
    bad = sale(status={"phase": "Active"})
    bad["spec"]["lead"] = "soon"
    look, plan = planned(promotions={"ads/p": bad})
    made = status_of(look.seen["ads/p"], look, plan, NONE)
    assert (made.phase, made.conditions[0].reason) == ("Active", "Unreadable")
