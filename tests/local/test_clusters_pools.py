"""Nodes as many as asked for: the newest go, others stay, and what cannot be kept is replaced."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.cluster import NodePool
from local.clusters_objects import Meta, Node, pool_labels, settings_digest
from local.clusters_pools import NodePlan, PoolNode, new_nodes, plan_nodes, pool_node

ADS = NodePool(name="ads", nodes=3, runtime="kwok", traffic_class="public")
CORE = NodePool(name="core", nodes=1, runtime="process", traffic_class="sensitive")


def resized(pool: NodePool, nodes: int, nodes_max: int = 0) -> NodePool:
    return NodePool(
        name=pool.name, nodes=nodes, runtime=pool.runtime, traffic_class=pool.traffic_class,
        nodes_max=nodes_max,
    )  # fmt: skip


def nodes(pool: NodePool, *numbers: int, scaled: bool = False) -> list[PoolNode]:
    return [
        PoolNode(
            name=f"{pool.name}-{number}", pool=pool.name, settings=settings_digest(pool),
            scaled=scaled, created=f"2026-11-24T00:00:{number:02}Z",
        )
        for number in numbers
    ]  # fmt: skip


def applied(plan: NodePlan, there: list[PoolNode]) -> list[PoolNode]:
    made = [
        PoolNode(name=it.name, pool=it.pool.name, settings=settings_digest(it.pool), scaled=it.scaled,
                 created="2026-11-24T01:00:00Z")
        for it in plan.make
    ]  # fmt: skip
    return [it for it in there if it.name not in plan.take] + made


def test_three_to_thirteen_and_back() -> None:
    """Ten are added, the same ten go, and the three that were first are never touched."""
    up = plan_nodes([resized(ADS, 13)], nodes(ADS, 1, 2, 3))
    assert [it.name for it in up.make] == [f"ads-{number}" for number in range(4, 14)]
    assert up.take == ()
    down = plan_nodes([ADS], nodes(ADS, *range(1, 14)))
    assert set(down.take) == {f"ads-{number}" for number in range(4, 14)}
    assert down.make == ()


def test_a_node_deleted_by_hand_is_made_again_under_another_name() -> None:
    """Its name may still be in somebody's cache."""
    plan = plan_nodes([ADS], nodes(ADS, 1, 3))
    assert [it.name for it in plan.make] == ["ads-4"]


def test_a_pool_that_is_gone_takes_its_nodes_along() -> None:
    """Nodes of no pool of the spec go, all others stay."""
    plan = plan_nodes([ADS], [*nodes(ADS, 1, 2, 3), *nodes(CORE, 1)])
    assert plan == NodePlan(make=(), take=("core-1",))


def test_other_settings_roll_the_pool() -> None:
    """As many new ones as there are to be, made before the old ones go."""
    other = NodePool(name="ads", nodes=3, runtime="kwok", traffic_class="public", cpu_millicores=1)
    plan = plan_nodes([other], nodes(ADS, 1, 2, 3))
    assert [it.name for it in plan.make] == ["ads-4", "ads-5", "ads-6"]
    assert set(plan.take) == {"ads-1", "ads-2", "ads-3"}


def test_nodes_of_the_scaler_stay_up_to_the_most() -> None:
    """They are not counted as asked for, and go only when the pool may not be that large any more."""
    there = [*nodes(ADS, 1, 2, 3), *nodes(ADS, 4, 5, 6, scaled=True)]
    assert plan_nodes([resized(ADS, 3, 6)], there) == NodePlan()
    assert plan_nodes([resized(ADS, 3, 4)], there).take == ("ads-5", "ads-6")
    assert set(plan_nodes([ADS], there).take) == {"ads-4", "ads-5", "ads-6"}


POOLS = st.lists(
    st.builds(
        resized,
        st.sampled_from([ADS, CORE]),
        st.integers(0, 6),
        st.sampled_from([0, 6, 9]),
    ),
    unique_by=lambda it: it.name,
)
THERE = st.lists(
    st.builds(
        PoolNode,
        name=st.builds("{}-{}".format, st.sampled_from(["ads", "core", "old"]), st.integers(1, 20)),
        pool=st.just(""),
        settings=st.sampled_from([settings_digest(ADS), settings_digest(CORE), "other"]),
        scaled=st.booleans(),
        created=st.sampled_from(["2026-11-24T00:00:00Z", "2026-11-24T00:00:01Z"]),
        whole=st.booleans(),
    ).map(lambda it: PoolNode(**{f: getattr(it, f) for f in it.__struct_fields__} | {"pool": it.name.rpartition("-")[0]})),
    unique_by=lambda it: it.name,
    max_size=12,
)  # fmt: skip


@given(POOLS, THERE)
def test_one_apply_is_enough_and_a_second_one_changes_nothing(
    pools: list[NodePool], there: list[PoolNode]
) -> None:
    """After the plan every pool has its nodes, all whole and of its settings; names are new; the next plan is empty."""
    plan = plan_nodes(pools, there)
    names = {it.name for it in there}
    assert not {it.name for it in plan.make} & names
    assert set(plan.take) <= names
    after = applied(plan, there)
    for pool in pools:
        mine = [it for it in after if it.pool == pool.name]
        assert all(it.whole and it.settings == settings_digest(pool) for it in mine)
        assert sum(not it.scaled for it in mine) == pool.nodes
        assert len(mine) <= max(pool.nodes, pool.nodes_max)
    assert plan_nodes(pools, after) == NodePlan()


def test_what_a_plan_knows_of_a_node_is_in_its_labels() -> None:
    """Settings and the scaler's mark come back from the object."""
    labels = pool_labels(ADS, scaled=True)
    found = pool_node(Node(metadata=Meta(name="ads-7", labels=labels)), whole=True)
    assert found == PoolNode(name="ads-7", pool="ads", settings=settings_digest(ADS), scaled=True)
    assert found.number == 7


def test_new_names_are_above_all_that_are_there() -> None:
    """Also above one that is just going."""
    there = nodes(ADS, 2, 9)
    assert [it.name for it in new_nodes(ADS, there, count=2, scaled=True)] == ["ads-10", "ads-11"]
