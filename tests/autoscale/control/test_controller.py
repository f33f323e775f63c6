"""The whole loop on a fake API server: raised in time, restored once, and nothing written twice."""

from tests.autoscale.control.fake_shop import HOLD, HPA, PROMO, Shop


def test_a_promotion_from_lead_to_release() -> None:
    """Nodes and floor stand before the start; after the end and falling traffic everything is as it was."""
    shop = Shop()
    shop.promote()
    loop = shop.controller()
    loop.during(300)
    assert (shop.floor, shop.nodes) == (4, 3)
    before = shop.api.get(HPA)["spec"]
    loop.during(1440)
    assert shop.api.get(PROMO)["status"]["phase"] == "Ready"
    assert shop.floor == 12
    assert shop.nodes == 6
    loop.settle()
    shop.demand(900)
    loop.during(1800)
    assert shop.floor == 12
    shop.demand(100)
    loop.during(900)
    assert shop.api.get(HPA)["spec"] == before
    assert HOLD not in shop.api.objects
    assert shop.nodes == 3
    status = shop.api.get(PROMO)["status"]
    assert status["phase"] == "Released"
    assert "baselines" not in status or status["baselines"] == []
    restores = [ask for ask in shop.api.writes if ask.query.get("fieldManager") == "kubectl-create"]
    assert len(restores) == 1
    assert loop.once() == 0
