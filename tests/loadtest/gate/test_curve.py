"""The capacity curve: every level a point inside the picture, the law a line, figures in words."""

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from contracts.capacity import CapacityLevel
from loadtest.gate.capacity import capacity_of, service_capacity
from loadtest.gate.curve import HEIGHT, LEFT, WIDTH, curve
from tests.loadtest.gate.runs import GOOD, SLO

SERVICE = capacity_of(GOOD, SLO).services["ads"]


def level(rps, concurrency):
    return CapacityLevel(
        offered_rps=rps, ok_rps=rps, ok_rps_low=rps, concurrency=concurrency, p99_ms=1, good=True
    )


@pytest.mark.parametrize(
    "service",
    [
        SERVICE,
        msgspec.structs.replace(SERVICE, fit=None, measured_rps=0),
        service_capacity([level(10, 0.1)], SLO.capacity["ads"]),
        service_capacity([level(0, 0)], SLO.capacity["ads"]),
        service_capacity([level(100.0 * n, n**1.5) for n in range(1, 12)], SLO.capacity["ads"]),
    ],
)
def test_everything_is_drawn_inside_the_picture(service):
    """As many points as levels, none outside, also for one level and for nothing served."""
    text = curve(service)
    root = ET.fromstring(text)
    points = root.findall("circle")
    assert len(points) == len(service.levels)
    for point in points:
        assert LEFT <= float(point.get("cx")) <= WIDTH
        assert 0 <= float(point.get("cy")) <= HEIGHT
    line = re.search(r'polyline points="([^"]+)"', text)
    assert (line is not None) == (service.fit is not None)
    if line is not None:
        assert all(0 <= float(it.split(",")[1]) <= HEIGHT for it in line[1].split())


def test_levels_that_did_not_keep_the_objective_stand_out():
    """By class, not by colour alone: each says its figures."""
    text = curve(SERVICE)
    assert text.count("level bad") == 2
    assert "served, p99" in text
    assert "kept the objective: 800 rps" in text
