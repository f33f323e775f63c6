import random

import pytest

from loadtest.flight import Flight
from loadtest.plan import plan_requests
from tests.loadtest.doors import plan_for

PLAN = plan_for(rate=1000, duration_s=2)
REQUESTS = list(plan_requests(PLAN, random.Random(PLAN.seed)))


@pytest.mark.parametrize("request_", REQUESTS[:30], ids=lambda r: f"{r.n}-{r.action}")
def test_a_row_is_what_was_planned_and_what_became_of_it(request_):
    """Latency and lateness count from the planned instant; the site is the part before the slash."""
    flight = Flight(request_, 1_000_000)
    flight.handed_ns = 1_250_000
    flight.attempts = 2
    flight.served = b"private/orders-1"
    row = flight.row("ok", status=201, ended_ns=9_000_000)
    assert (row.n, row.intended_mono_ns, row.latency_us, row.late_us) == (
        request_.n,
        1_000_000,
        8000,
        250,
    )
    assert (row.operation, row.expected, row.door) == (
        request_.operation, request_.expected, request_.door,
    )  # fmt: skip
    assert (row.status, row.outcome, row.attempts, row.served_site) == (201, "ok", 2, "private")
    assert row.canary == (request_.planting.id if request_.planting else 0)
    assert row.event_id == (request_.identity if request_.action == "click" else "")


def test_no_answer_names_no_site():
    """A request nobody answered was served nowhere."""
    flight = Flight(REQUESTS[0], 5_000)
    assert flight.row("failed", status=0, ended_ns=6_000).served_site == ""
