"""What makes a promotion unusable."""

from datetime import timedelta

import pytest

from autoscale.plan.validity import faults_of
from contracts.promotion import PromotedNodes, Release
from tests.autoscale.plan.sales import START, sale, workload


def test_a_good_promotion_has_no_fault() -> None:
    """The one all other tests start from."""
    assert list(faults_of(sale())) == []


@pytest.mark.parametrize(
    ("changes", "subject", "words"),
    [
        ({"end": START}, "spec.end", "not after start"),
        ({"end": START + timedelta(days=32)}, "spec.end", "31 days"),
        ({"lead": "169h"}, "spec.lead", "168h"),
        ({"lead_max": "200h"}, "spec.leadMax", "168h"),
        ({"release": Release(max_hold="169h")}, "spec.release.maxHold", "168h"),
        ({"lead": "soon"}, "spec.lead", "write for example 90s"),
        ({"release": Release(for_="1 day")}, "spec.release.for", "write for example 90s"),
        ({"workloads": (workload(expected_peak=1e9),)}, "spec.workloads[ads].expectedPeak", "10,000,000 replicas"),
        ({"time_zone": "Mars/Olympus"}, "spec.timeZone", "Asia/Shanghai"),
        ({"time_zone": "../etc"}, "spec.timeZone", "IANA"),
        ({"release": Release(every="0s")}, "spec.release.every", "2m"),
        ({"workloads": (workload(expected_peak=-1.0),)}, "spec.workloads[ads].expectedPeak", "above 0"),
        ({"workloads": (workload(expected_peak=float("nan")),)}, "spec.workloads[ads].expectedPeak", "above 0"),
        ({"workloads": (workload(expected_peak=1e30),)}, "spec.workloads[ads].expectedPeak", "1e9"),
        ({"workloads": (workload(capacity_per_replica=0.0),)}, "spec.workloads[ads].capacityPerReplica", "above 0"),
        ({"workloads": (workload(), workload(name="ads"))}, "spec.workloads", "same"),
        ({"nodes": (PromotedNodes(pool="ads", add=-1),)}, "spec.nodes[ads].add", "1000"),
        ({"nodes": (PromotedNodes(pool="ads", add=1),) * 2}, "spec.nodes", "same pool"),
    ],
)  # fmt: skip
def test_each_fault_names_its_place_and_what_to_do(
    changes: dict[str, object], subject: str, words: str
) -> None:
    """One condition of type Invalid per fault."""
    faults = [one for one in faults_of(sale(**changes)) if one.subject == subject]
    assert faults
    assert all(one.type == "Invalid" for one in faults)
    assert any(words in one.message for one in faults)
