"""Who holds what, and the records that follow."""

from typing import Any

from autoscale.control.holding import holds, pool_records, recorded, records
from contracts.promotion import workload_keys
from tests.autoscale.control.passes import planned
from tests.autoscale.control.test_look import ENTRY, KEY, LATER, promotion

BY_NODES = {"nodes": [{"pool": "ads", "add": 2}], "lead": "30m"}


def sale(**more: Any) -> dict[str, Any]:
    made = promotion(**more)
    made["spec"] |= BY_NODES
    return made


def test_a_promotion_holds_from_its_lead_to_its_end() -> None:
    """Not before, not after, not in Observe."""
    later = sale(start_s=7200, end_s=9000)
    watching = sale()
    watching["spec"]["mode"] = "Observe"
    all_ = {
        "ads/now": sale(),
        "ads/later": later,
        "ads/over": sale(start_s=-900, end_s=-60),
        "ads/watch": watching,
    }
    look, plan = planned(promotions=all_)
    assert {key: holds(key, plan) for key in all_} == {
        "ads/now": True, "ads/later": False, "ads/over": False, "ads/watch": False,
    }  # fmt: skip
    assert not holds("ads/nobody", plan)
    assert workload_keys(look.planned[0]) == [KEY]


def test_records_are_made_by_holders_only() -> None:
    """Of the workload, and of the pool with the nodes there were."""
    look, plan = planned(promotions={"ads/p": sale(), "ads/q": sale(start_s=7200, end_s=9000)})
    one, other = look.seen["ads/p"], look.seen["ads/q"]
    (entry,) = records(one, look, plan)
    assert (entry.workload, entry.floor, entry.ceiling, entry.written) == (KEY, 4, 20, None)
    (pool,) = pool_records(one, look, plan)
    assert (pool.pool, pool.minimum, pool.ready) == ("ads", 0, 0)
    assert records(other, look, plan) == ()
    assert pool_records(other, look, plan) == ()


def test_a_second_holder_copies_the_records_of_the_first() -> None:
    """Both of the workload and of the pool."""
    status = {
        "baselines": [ENTRY | {"manager": ""}],
        "poolBaselines": [{"pool": "ads", "minimum": 1, "ready": 3}],
    }
    look, plan = planned(promotions={"ads/p": sale(status=status), "ads/q": sale()})
    second = look.seen["ads/q"]
    assert records(second, look, plan)[0].floor == 2
    assert pool_records(second, look, plan)[0].ready == 3
    assert [one.key for one in recorded(KEY, look)] == ["ads/p"]


def test_what_is_over_and_not_held_is_forgotten() -> None:
    """Nothing stands any more: neither record is needed."""
    status = {"baselines": [ENTRY], "poolBaselines": [{"pool": "ads", "minimum": 1, "ready": 3}]}
    look, plan = planned(promotions={"ads/p": sale(start_s=-900, end_s=-60, status=status)})
    one = look.seen["ads/p"]
    assert records(one, look, plan) == ()
    assert pool_records(one, look, plan) == ()


def test_a_deleted_promotion_keeps_its_pools_and_speaks_for_no_workload() -> None:
    """Its object goes as a whole."""
    status = {"poolBaselines": [{"pool": "ads", "minimum": 1, "ready": 3}], "baselines": [ENTRY]}
    look, plan = planned(promotions={"ads/p": sale(status=status, **LATER)})
    one = look.seen["ads/p"]
    assert pool_records(one, look, plan) == one.status.pool_baselines
    assert recorded(KEY, look) == []
    assert recorded(KEY, look, leaving=True) == [one]
