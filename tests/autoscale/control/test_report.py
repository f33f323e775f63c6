"""What /metrics says."""

import msgspec

from autoscale.control.report import Running, Watched, metrics_text
from tests.autoscale.control.fake_shop import KEY, Shop

IDLE = Running(
    leading=False, passes=0, crashes=0, pass_s=0.0, written={}, watched={"Node": Watched(2, 1)}, last=None
)  # fmt: skip


def test_before_the_first_pass_only_the_process_is_told() -> None:
    """It can be scraped at once."""
    text = metrics_text(IDLE).decode()
    assert "isthmus_autoscale_leader 0.0" in text
    assert 'isthmus_autoscale_watch_failures_total{kind="Node"} 2.0' in text


def test_a_pass_is_told_by_promotion_pool_and_workload() -> None:
    """Phase, shortfall, gates, floors, nodes."""
    shop = Shop(nodes_max=4)
    shop.promote(start_s=600)
    loop = shop.controller()
    loop.during(120)
    loop.view.fill()
    passed = loop.controller.run_once()
    running = msgspec.structs.replace(
        IDLE, leading=True, passes=7, written={"done": 3, "409": 1}, last=passed
    )
    text = metrics_text(running).decode()
    for line in (
        "isthmus_autoscale_leader 1.0", "isthmus_autoscale_passes_total 7.0",
        'isthmus_autoscale_writes_total{outcome="409"} 1.0',
        'isthmus_autoscale_promotions{phase="Provisioning"} 1.0',
        'isthmus_autoscale_shortfall{condition="Infeasible",promotion="ads/sale"} 2.0',
        f'isthmus_autoscale_floor{{workload="{KEY}"}}',
        'isthmus_autoscale_nodes_ready{pool="ads"} 4.0',
        'isthmus_autoscale_gate_missed{kind="nodes",promotion="ads/sale",subject="ads"}',
    ):  # fmt: skip
        assert line in text, text
