"""Promotions from files."""

import pytest
import yaml

from autoscale.calendars import read_promotions
from autoscale.manifest import manifest_of
from autoscale.places import PromotionFileError
from tests.autoscale.plan.sales import NODES, sale

CALENDAR = """\
timeZone: America/New_York
defaults:
  mode: Auto
  lead: 24h
promotions:
- name: black-friday
  start: 2026-11-27 00:00
  end: 2026-11-28 00:00
  workloads:
  - {name: ads, ref: {name: ads}, expectedPeak: 12000, pool: ads}
  nodes: [{pool: ads, add: 10}]
- name: cyber-monday
  namespace: shop
  approved: true
  start: 2026-11-30T00:00:00-05:00
  end: 2026-12-01 00:00
  mode: Approve
  workloads:
  - {name: ads, ref: {name: ads}, expectedPeak: 9000}
"""


def said(text: str, name: str = "c.yaml") -> list[str]:
    with pytest.raises(PromotionFileError) as caught:
        read_promotions(text.encode(), name)
    return [str(problem) for problem in caught.value.problems]


def test_a_calendar_shares_its_zone_and_defaults() -> None:
    """Each entry may say otherwise."""
    friday, monday = read_promotions(CALENDAR.encode(), "c.yaml")
    assert friday.spec.start.isoformat() == "2026-11-27T00:00:00-05:00"
    assert (friday.spec.mode, friday.spec.lead, friday.spec.time_zone) == (
        "Auto",
        "24h",
        "America/New_York",
    )
    assert friday.spec.nodes == NODES
    assert (monday.namespace, monday.approved, monday.spec.mode) == ("shop", True, "Approve")


def test_manifests_of_kubectl_are_read() -> None:
    """Several in one file, with what kubectl would take."""
    text = yaml.safe_dump_all([manifest_of(sale()), manifest_of(sale("other"))])
    assert [one.name for one in read_promotions(text.encode(), "promo.yaml")] == ["sale", "other"]


def test_every_faulty_entry_is_named_with_its_line() -> None:
    """Three faults in two entries: line, place, expectation, fix."""
    text = CALENDAR.replace("2026-11-27 00:00", "2026-11-01 01:30").replace("12000", "-5")
    text = text.replace("mode: Approve", "moode: Approve")
    first, second = said(text)
    assert first.startswith("c.yaml:7: promotions[0].start: 2026-11-01 01:30:00 happens twice")
    assert second.startswith('c.yaml:17: promotions[1].moode: unknown key "moode"')
    text = CALENDAR.replace("12000", "-5").replace("2026-12-01 00:00", "2026-11-29 00:00")
    first, second = said(text)
    assert first.startswith("c.yaml:10: promotions[0].workloads[0].expectedPeak")
    assert second.startswith("c.yaml:16: promotions[1].end: end is not after start")


def test_a_fault_of_the_defaults_stands_there() -> None:
    """Not in each entry that inherits it."""
    found = said(CALENDAR.replace("lead: 24h", "lead: soon"))
    assert all(one.startswith("c.yaml:4: ") for one in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("promotions: []\n", "has no promotion"),
        ("promotions: {}\n", "is no list"),
        ("", "has no promotion"),
        ("promotions: [{name: x}]\nzone: UTC\n", 'unknown key "zone"'),
        ("promotions: [hello]\n", 'key "name" is missing'),
        (CALENDAR.replace("cyber-monday\n  namespace: shop", "black-friday"), "stands twice, first on line 6"),
    ],
)  # fmt: skip
def test_what_is_no_calendar_is_refused(text: str, words: str) -> None:
    """Empty ones, too."""
    assert any(words in one for one in said(text))


def test_a_csv_file_is_known_by_its_name() -> None:
    """And its faults by their lines."""
    head = "name,start,end,timeZone,workload,expectedPeak\n"
    (only,) = read_promotions(
        (head + "a,2026-11-11 00:00,2026-11-12 00:00,Asia/Shanghai,ads,5\n").encode(), "C.CSV"
    )
    assert only.spec.workloads[0].expected_peak == 5
    (fault,) = said(head + "a,2026-11-12 00:00,2026-11-11 00:00,Asia/Shanghai,ads,5\n", "c.csv")
    assert fault.startswith("c.csv:2: end: end is not after start")
