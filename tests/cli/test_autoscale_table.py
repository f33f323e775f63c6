"""A plan for people."""

import io
from datetime import timedelta

import pytest
from rich.console import Console

from autoscale.plan.model import PoolObserved
from autoscale.plan.rehearsal import rehearse, unknown
from autoscale.plan_report import report_of
from cli.autoscale_table import show
from contracts.promotion import Promotion
from tests.autoscale.plan.sales import HOUR, NODES, START, TIMING, observed, sale, workload


def shown(
    *promotions: Promotion, width: int = 80, price: float | None = None, maximum: int = 99
) -> str:
    what = observed(PoolObserved(ready=3, minimum=3, maximum=maximum))
    for key, seen in unknown(promotions).items():
        what.workloads.setdefault(key, seen)
    moments = rehearse(START - timedelta(days=2), promotions, what, timing=TIMING)
    out = io.StringIO()
    show(report_of(promotions, moments), price, Console(file=out, width=width, highlight=False))
    return out.getvalue()


def test_hours_that_say_the_same_are_one_line() -> None:
    """A day is three lines, not twenty-four; what happens stands beside."""
    text = shown(sale(nodes=NODES, end=START + 24 * HOUR))
    (line,) = (row for row in text.splitlines() if "11-11 01:00 – 11-12 00:00" in row)
    assert line.split()[-2] == "230.0"
    assert "nodes ordered" in text
    assert "sale: " not in text


def test_every_line_fits_the_terminal() -> None:
    """At 80 columns with long names, no figure is cut."""
    long = sale(
        "a-rather-long-promotion-name", nodes=NODES,
        workloads=(workload("advertisement-service"), workload("click-collection-service")),
    )  # fmt: skip
    text = shown(long, price=0.35)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_many_workloads_share_a_column() -> None:
    """Five workloads of ten replicas are one figure of fifty."""
    many = sale(workloads=tuple(workload(f"w{n}") for n in range(5)))
    text = shown(many)
    assert "5 workloads" in text
    assert " 50 " in text


@pytest.mark.parametrize(
    ("price", "words"), [(None, "node-hours if traffic goes"), (2.0, "node-hours = ")]
)
def test_the_bill_is_in_node_hours_and_in_money_where_a_price_is_known(
    price: float | None, words: str
) -> None:
    """Both the likely one and the most."""
    text = " ".join(shown(sale(nodes=NODES), price=price).split())
    assert words in text
    assert "until every hold ends" in text


def test_what_stands_in_the_way_is_said_at_the_end_too() -> None:
    """With the shortfall above."""
    text = shown(sale(nodes=NODES), maximum=7)
    assert "6 nodes short" in text
    assert "not before the start" in text
    assert "Something stands in the way" in text


def test_several_promotions_say_whose_event_it_is() -> None:
    """By name; an unknown zone falls back to the offset that was written."""
    text = shown(sale(), sale("other", time_zone="Mars/Olympus"))
    assert "sale: " in text
    assert "Invalid" in text
