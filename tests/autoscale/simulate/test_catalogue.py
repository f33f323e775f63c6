"""Every policy of the catalogue runs, is replayable and never looks ahead."""

import msgspec
import pytest

from autoscale.simulate.catalogue import COLUMNS, POLICIES, Result, simulate, table
from autoscale.simulate.engine import run
from autoscale.simulate.ground import Ground
from autoscale.simulate.policy import Policy, View, Wish
from autoscale.simulate.trace import Trace
from tests.autoscale.simulate.small import surges

GROUND = Ground()


class Recorded:
    """Keeps what a policy wished, minute by minute."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.wishes: list[tuple[int, Wish]] = []

    def decide(self, view: View) -> Wish:
        wish = self.policy.decide(view)
        self.wishes.append((view.minute, wish))
        return wish


def wishes(name: str, trace: Trace) -> list[tuple[int, Wish]]:
    recorded = Recorded(POLICIES[name].make(trace, GROUND))
    run(trace, recorded, ground=GROUND, seed=1)
    return recorded.wishes


@pytest.mark.parametrize("name", [name for name in POLICIES if name not in {"oracle", "isthmus"}])
def test_a_policy_decides_the_same_until_the_future_differs(name: str) -> None:
    """Shown two traces that part at a minute, it wishes the same up to it (ours: test_policy_ours)."""
    trace = surges(3)
    parting = trace.events[1].start_min - 30
    other = msgspec.structs.replace(trace, demand=trace.demand.copy())
    other.demand[parting:] *= 4
    one, two = wishes(name, trace), wishes(name, other)
    assert [pair for pair in one if pair[0] <= parting] == [p for p in two if p[0] <= parting]


def test_only_the_oracle_sees_the_future() -> None:
    """The same test finds the one policy that may."""
    trace = surges(3)
    parting = trace.events[1].start_min - 30
    other = msgspec.structs.replace(trace, demand=trace.demand.copy())
    other.demand[parting:] *= 4
    one, two = wishes("oracle", trace), wishes("oracle", other)
    assert [pair for pair in one if pair[0] <= parting] != [p for p in two if p[0] <= parting]


@pytest.mark.parametrize("name", ["isthmus", "keda_cron"])
def test_a_seed_replays_the_result(name: str) -> None:
    """Same arguments, same figures."""
    trace = surges(1)
    first, second = (simulate(name, trace, ground=GROUND, seed=4)[0] for _ in range(2))
    assert first == second
    assert isinstance(first, Result)


def test_the_table_has_a_cell_per_column() -> None:
    """Rows fit the heading."""
    result, _ = simulate("hpa", surges(1), ground=GROUND, seed=0)
    assert [len(row) for row in table([result])] == [len(COLUMNS)]


def test_an_unknown_policy_is_a_key_error() -> None:
    """The caller checks names first."""
    with pytest.raises(KeyError):
        simulate("no-such", surges(1), ground=GROUND, seed=0)
