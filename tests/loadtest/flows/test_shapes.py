"""How many shoppers there are: straight from stage to stage, over at the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.flows import FlowStage
from loadtest.flows.shapes import duration_s, stage_of, users_at

STAGES = (
    FlowStage(for_s=10, users=100),
    FlowStage(for_s=5, users=100),
    FlowStage(for_s=5, users=0),
)


@pytest.mark.parametrize(
    ("now_s", "users"), [(0, 0), (5, 50), (9.99, 100), (12, 100), (17.5, 50), (19.99, 1)]
)
def test_shoppers_come_and_go_in_straight_lines(now_s, users):
    """Up, level, down."""
    assert users_at(STAGES, now_s)[0] == users


@pytest.mark.parametrize("now_s", [20, 21, 1e9])
def test_after_the_last_stage_the_run_is_over(now_s):
    """Locust ends when there is nothing to say."""
    assert users_at(STAGES, now_s) is None
    assert duration_s(STAGES) == 20


@given(
    st.lists(
        st.builds(FlowStage, for_s=st.floats(0.1, 100), users=st.integers(0, 500)), min_size=1
    ),
    st.floats(0, 500),
)
def test_there_are_never_more_shoppers_than_a_stage_names(stages, now_s):
    """And they may be added fast enough to follow the line."""
    found = users_at(stages, now_s)
    assert (found is None) == (now_s >= duration_s(stages) or found is None)
    if found is not None:
        assert 0 <= found[0] <= max(stage.users for stage in stages)
        assert found[1] >= 1


def test_a_stage_is_written_as_seconds_and_users():
    """60:200."""
    assert stage_of("60:200") == FlowStage(for_s=60, users=200)
    assert stage_of("0.5:1").for_s == 0.5


@pytest.mark.parametrize(
    "text", ["", "60", "x:1", "1:x", "0:5", "-1:5", "5:-1", "1e9:1", "nan:1", "1:2:3"]
)
def test_what_is_no_stage_says_what_was_expected(text):
    """With an example."""
    with pytest.raises(ValueError, match="expected SECONDS:USERS"):
        stage_of(text)
