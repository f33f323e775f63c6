"""kill -9 after every single write: a fresh controller finishes, and the end is the same as without it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from autoscale.kube.ports import Ask
from tests.autoscale.control.fake_shop import HPA, PROMO, Loop, Shop

STEP_S = 30


class Killed(BaseException):
    """The process is gone: nothing after the write was done."""


class Killing:
    """Kills the controller after its `after`-th write, once."""

    def __init__(self, shop: Shop, after: int) -> None:
        self.left = after
        shop.api.after = self.write

    def write(self, _ask: Ask) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


def sale(
    shop: Shop, *, act: Callable[[Shop, int], None] = lambda _shop, _step: None, steps: int = 46
) -> None:
    """A whole sale, whoever dies: five minutes of lead, six of sale, then release."""
    shop.promote(start_s=480, last_s=360, lead="5m")
    loop: Loop = shop.controller()
    for step in range(steps):
        shop.clock.advance(STEP_S)
        shop.demand(900 if 16 <= step < 28 else 100)
        act(shop, step)
        shop.run_others()
        try:
            loop.once()
        except Killed:
            loop = shop.controller()
            loop.once()


def end_of(shop: Shop) -> str:
    """Everything but versions, times and identities."""

    def bare(item: dict[str, Any]) -> dict[str, Any]:
        meta = item["metadata"]
        owners = sorted(
            (one["manager"], one["operation"], json.dumps(one["fieldsV1"], sort_keys=True))
            for one in meta["managedFields"] if one["subresource"] != "status"
        )  # fmt: skip
        status = {
            k: v
            for k, v in item.get("status", {}).items()
            if k not in {"conditions", "spentNodeHours"}
        }
        return {
            "spec": item.get("spec"),
            "status": status,
            "owners": owners,
            "finalizers": meta.get("finalizers"),
        }

    kept = {path: bare(item) for path, item in shop.api.objects.items() if "/events/" not in path}
    return json.dumps(kept, sort_keys=True)


@pytest.fixture(scope="module")
def undisturbed() -> Shop:
    shop = Shop()
    sale(shop)
    assert shop.floor == 4
    assert shop.api.get(PROMO)["status"]["phase"] == "Released"
    return shop


def test_a_controller_killed_after_any_write_leaves_nothing_undone(undisturbed: Shop) -> None:
    """For every write of a whole sale: killed right after it, a fresh one ends in the very same state."""
    wanted, total = end_of(undisturbed), len(undisturbed.api.writes)
    assert total > 15
    for after in range(1, total + 1):
        shop = Shop()
        killing = Killing(shop, after)
        floors: list[int] = []
        sale(shop, act=lambda it, _step, seen=floors: seen.append(it.floor))
        assert killing.left <= 0
        assert end_of(shop) == wanted, f"killed after write {after}"
        assert max(floors) == 12, f"killed after write {after}"
        restores = [
            ask for ask in shop.api.writes if ask.query.get("fieldManager") == "kubectl-create"
        ]
        assert len(restores) == 1, f"killed after write {after}"


def test_a_controller_killed_at_every_write_still_gets_there(undisturbed: Shop) -> None:
    """Each replica lives for one write only; the sale is served all the same."""
    shop = Shop()

    def always(_ask: Ask) -> None:
        raise Killed

    shop.api.after = always
    shop.promote(start_s=480, last_s=360, lead="5m")
    for step in range(46):
        shop.clock.advance(STEP_S)
        shop.demand(900 if 16 <= step < 28 else 100)
        shop.run_others()
        for _ in range(8):
            try:
                shop.controller().once()
            except Killed:
                continue
            break
        if step == 17:
            assert shop.floor == 12
    assert end_of(shop) == end_of(undisturbed)


def test_a_clock_that_jumps_back_and_forth_restores_nothing_twice() -> None:
    """Back before the lead and forth past the end: the floor follows the clock, the baseline stays what it was."""
    shop = Shop()
    before = shop.api.get(HPA)["spec"]
    shop.promote(start_s=1200, last_s=1800)
    loop = shop.controller()
    loop.during(600)
    raised = shop.floor
    assert raised > 4
    shop.clock.jump(-3600)
    loop.during(120)
    shop.clock.jump(3600)
    loop.during(300)
    assert shop.floor >= raised
    shop.clock.jump(timedelta(hours=6).total_seconds())
    loop.during(600)
    assert shop.api.get(HPA)["spec"] == before
    assert loop.once() == 0
