"""Twin of chaos/schedule/gates.py."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.schedule.calendar import ALWAYS, Budget, Calendar, Due, Freeze, Window
from chaos.schedule.gates import Burn, budget_left, due, refusals

FREEZE = Freeze(name="double11", start="2026-11-10T00:00:00+08:00", end="2026-11-13T00:00:00+08:00")
OFFICE = Window(days=("mon", "tue", "wed"), start="09:00", end="16:00")
CALENDAR = Calendar(
    version="isthmus/v1", zone="Asia/Shanghai", windows=(OFFICE,), freezes=(FREEZE,),
    budget=Budget(objective=0.99, left_min=0.5),
    schedule=(Due(experiment="link-cut", cron="0 10 * * *"),),
)  # fmt: skip
FINE = Burn(requests=100_000, failed=10)
WEDNESDAY_TEN = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def test_inside_a_window_with_budget_nothing_is_refused() -> None:
    """Ten in the morning in Shanghai is two in UTC."""
    assert refusals(CALENDAR, WEDNESDAY_TEN, FINE) == ()
    assert refusals(ALWAYS, WEDNESDAY_TEN, Burn(unknown="nobody asked")) == ()


@pytest.mark.parametrize(
    ("now", "burn", "expected"),
    [
        (WEDNESDAY_TEN + timedelta(hours=6), FINE, ["refused_window"]),
        (WEDNESDAY_TEN + timedelta(days=1), FINE, ["refused_window"]),
        (datetime(2026, 11, 11, 3, tzinfo=UTC), FINE, ["refused_freeze"]),
        (datetime(2026, 11, 9, 16, tzinfo=UTC), FINE, ["refused_freeze", "refused_window"]),
        (datetime(2026, 11, 12, 16, tzinfo=UTC), FINE, ["refused_window"]),
        (WEDNESDAY_TEN, Burn(requests=10_000, failed=80), ["refused_budget"]),
        (WEDNESDAY_TEN, Burn(requests=10_000, failed=50), []),
        (WEDNESDAY_TEN, Burn(requests=100, failed=100), []),
        (WEDNESDAY_TEN, Burn(unknown="router core: refused"), ["refused_budget"]),
    ],
)
def test_each_gate_closes_for_its_own_reason(
    now: datetime, burn: Burn, expected: list[str]
) -> None:
    """Ends are half-open; too few requests say nothing; an unknown budget is a spent one."""
    assert [reason.id for reason in refusals(CALENDAR, now, burn)] == expected


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_budget_left_is_a_share(requests: int, failed: int) -> None:
    """Between nothing and all of it, and less the more failed."""
    budget = Budget(objective=0.999)
    left = budget_left(budget, Burn(requests=requests, failed=failed))
    assert 0.0 <= left <= 1.0
    assert left <= budget_left(budget, Burn(requests=requests, failed=max(0, failed - 1)))


def test_what_is_due_and_what_was_done() -> None:
    """Due since the last tick unless a run began after it; a closed gate is told beside it."""
    never = due(CALENDAR, WEDNESDAY_TEN, {}, burn=FINE)[0]
    assert (never.due, never.refused, never.last_run) == (True, (), "")
    assert never.since == "2026-11-25T10:00:00+08:00"
    tick_s = WEDNESDAY_TEN.timestamp()
    assert not due(CALENDAR, WEDNESDAY_TEN, {"link-cut": tick_s + 1}, burn=FINE)[0].due
    assert due(CALENDAR, WEDNESDAY_TEN, {"link-cut": tick_s - 1}, burn=FINE)[0].due
    frozen = due(CALENDAR, datetime(2026, 11, 11, 3, tzinfo=UTC), {}, burn=FINE)[0]
    assert [reason.id for reason in frozen.refused] == ["refused_freeze"]
