"""The plans that ship are plans: read as the command reads them, and fitting one another."""

from pathlib import Path

import pytest

import loadtest
from loadtest.drive.document import load_plan
from loadtest.gate.slo import load_slo

PLANS = Path(loadtest.__file__).parent / "plans"


@pytest.mark.parametrize(
    "name", sorted(path.name for path in PLANS.glob("*.yaml") if "slo" not in path.name)
)
def test_every_plan_can_be_run(name):
    """No fault in it, and the capacity has as many levels as are wanted."""
    loaded = load_plan((PLANS / name).read_bytes(), name, lambda it: (PLANS / it).read_bytes())
    assert sum(phase.rate == phase.to for phase in loaded.phases) >= 9


def test_the_objective_fits_the_plan():
    """Its phases, classes and services are those of the plan."""
    plan = load_plan((PLANS / "sale.yaml").read_bytes(), "sale.yaml", lambda _: b"").plan
    slo = load_slo((PLANS / "slo.yaml").read_bytes(), "slo.yaml")
    assert set(slo.phases) <= {segment.name for segment in plan.profile}
    assert set(slo.classes) == {request.traffic for request in plan.requests}
    assert set(slo.capacity) <= {request.service for request in plan.requests}
