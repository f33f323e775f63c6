"""Node pools as they are."""

from datetime import UTC, datetime
from typing import Any

import pytest

from autoscale.targets.pools import Ground, GroupSeen, PoolSeen, PoolTerms, pools_seen
from tests.autoscale.targets.objects import deployment, snapshot

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
ADS = {"metadata": {"labels": {"isthmus.dev/pool": "ads", "isthmus.dev/class": "public"}}}
NODES = {"n1": ADS | READY, "n2": ADS | READY, "n3": ADS, "other": READY}
HOLD = "isthmus/isthmus-hold-ads"


def pool(
    said: PoolTerms | None = None, groups: dict[str, GroupSeen] | None = None, **kinds: Any
) -> PoolSeen:
    ground = Ground(namespace="isthmus", terms={"ads": said} if said else {}, groups=groups or {})
    return pools_seen(snapshot(nodes=NODES, **kinds), ["ads"], now=NOON, ground=ground)["ads"]


def test_only_ready_nodes_of_the_pool_count() -> None:
    """And their traffic class is handed to what holds them."""
    seen = pool()
    assert (seen.ready, seen.minimum, seen.maximum, seen.ours) == (2, 0, None, False)
    assert (seen.means, seen.traffic_class) == ("placeholder", "public")


def test_what_stands_is_the_minimum_in_force() -> None:
    """Placeholder pods, each a node."""
    seen = pool(deployments={HOLD: deployment(5)})
    assert (seen.minimum, seen.ours) == (5, True)


def test_a_maximum_that_is_said_counts_and_a_fixed_pool_has_what_it_has() -> None:
    """Hardware is a maximum nobody has to write down."""
    assert pool(PoolTerms(maximum=9)).maximum == 9
    assert pool(PoolTerms(means="placeholder", fixed=True)).maximum == 3


@pytest.mark.parametrize(
    ("made", "conditions", "means"),
    [
        (None, [], "buffer"),
        ("2026-11-11T11:59:30Z", [], "buffer"),
        ("2026-11-11T11:00:00Z", [{"type": "ReadyForProvisioning", "status": "True"}], "buffer"),
        ("2026-11-11T11:00:00Z", [{"type": "ReadyForProvisioning", "status": "False"}], "placeholder"),
        ("2026-11-11T11:00:00Z", [], "placeholder"),
    ],
)  # fmt: skip
def test_a_capacity_buffer_is_used_where_somebody_acts_on_it(
    made: str | None, conditions: list[dict[str, str]], means: str
) -> None:
    """Served is not enough: without a word after two minutes placeholder pods take over, and the buffer goes."""
    buffer = {
        "metadata": {"creationTimestamp": made},
        "spec": {"replicas": 6},
        "status": {"conditions": conditions},
    }
    kinds = {} if made is None else {"buffers": {HOLD: buffer}}
    seen = pool(buffer_version="v1beta1", **kinds)
    assert seen.means == means
    assert (seen.stale is not None) == (means == "placeholder")


def test_placeholders_that_stand_stay_although_a_buffer_could_be_had() -> None:
    """Changing the means in the middle would let nodes go."""
    assert pool(buffer_version="v1beta1", deployments={HOLD: deployment(5)}).means == "placeholder"


def test_a_node_group_has_the_clouds_own_minimum_and_maximum() -> None:
    """It is not ours to delete."""
    seen = pool(PoolTerms(means="group"), groups={"ads": GroupSeen(minimum=2, maximum=8)})
    assert (seen.minimum, seen.maximum, seen.ours) == (2, 8, False)
    assert pool(PoolTerms(means="group")).minimum == 0
