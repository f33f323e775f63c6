"""A Pending pod brings a node after its delay, never more than the most; an idle one goes, never below the least."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.cluster import NodePool
from local.clusters_objects import (
    CLASS_LABEL,
    POOL_LABEL,
    RUNTIME_LABEL,
    Container,
    Meta,
    Pod,
    PodSpec,
    Resources,
    Toleration,
)
from local.clusters_scaling import IDLE_S, PoolView, Scaling, nodes_needed, step

POOL = NodePool(
    name="ads", nodes=1, runtime="kwok", traffic_class="public", cpu_millicores=1000,
    memory_mib=1024, pods_max=4, nodes_max=5,
)  # fmt: skip


def pod(cpu: str = "400m", memory: str = "10Mi", *, pool: str = "ads", **selector: str) -> Pod:
    selected = {POOL_LABEL: pool} | {
        key.replace("__", "/"): value for key, value in selector.items()
    }
    requests = Resources(requests={"cpu": cpu, "memory": memory})
    spec = PodSpec(node_selector=selected, containers=(Container(resources=requests),))
    return Pod(metadata=Meta(name="p"), spec=spec)


def look(state: Scaling, view: PoolView, pending: list[Pod], *, now_s: float, delay_s: float = 3.0):
    return step(state, [view], pending, draw_s=lambda: delay_s, now_s=now_s)


def view(nodes: int, *, coming: int = 0, **added: int) -> PoolView:
    return PoolView(pool=POOL, nodes=nodes, coming=coming, added=added)


def test_a_pending_pod_brings_one_node_after_the_drawn_delay() -> None:
    """Not before, and only one for pods that fit together."""
    waiting = [pod(), pod()]
    first = look(Scaling(), view(1), waiting, now_s=0)
    assert (first.add, len(first.state.orders)) == ({}, 1)
    assert look(first.state, view(1), waiting, now_s=2.9).add == {}
    last = look(first.state, view(1), waiting, now_s=3.0)
    assert last.add == {"ads": 1}
    assert last.state.orders == ()


def test_the_node_that_is_coming_is_not_ordered_again() -> None:
    """Between a node's start and its first pod the pod is still pending."""
    found = look(Scaling(), view(2, coming=1), [pod()], now_s=5)
    assert found.state.orders == ()


def test_a_pod_that_found_a_place_takes_its_order_back() -> None:
    """Nothing is added for nobody."""
    ordered = look(Scaling(), view(1), [pod()], now_s=0).state
    assert look(ordered, view(1), [], now_s=9).add == {}


def test_an_idle_node_goes_after_a_while_and_a_busy_one_stays() -> None:
    """Idleness starts anew with every pod; nodes that were asked for are not the scaler's."""
    start = look(Scaling(), view(3, a=0, b=1), [], now_s=0).state
    assert look(start, view(3, a=0, b=1), [], now_s=IDLE_S - 0.1).remove == ()
    assert look(start, view(3, a=0, b=1), [], now_s=IDLE_S).remove == ("a",)
    again = look(start, view(3, a=1, b=1), [], now_s=IDLE_S - 1).state
    assert look(again, view(3, a=0, b=1), [], now_s=IDLE_S + 1).remove == ()


def test_a_pool_without_a_most_is_left_alone() -> None:
    """`nodes_max` 0 is no scaler."""
    still = PoolView(
        pool=NodePool(name="ads", nodes=1, runtime="kwok", traffic_class="public"), nodes=1,
        added={"a": 0},
    )  # fmt: skip
    found = step(Scaling(), [still], [pod()], draw_s=lambda: 0.0, now_s=0)
    assert (found.add, found.remove, found.state) == ({}, (), Scaling())


def test_only_pods_that_could_run_there_count() -> None:
    """Another pool's, one of another class or runtime, an intolerant and a too large one bring no node."""
    tainted = NodePool(
        name="ads", nodes=1, runtime="kwok", traffic_class="public", cpu_millicores=1000,
        taints=("spot=true:NoSchedule", "soft:PreferNoSchedule"),
    )  # fmt: skip
    assert nodes_needed(POOL, [pod()]) == 1
    assert nodes_needed(POOL, [pod(pool="core")]) == 0
    assert nodes_needed(POOL, [Pod(metadata=Meta())]) == 0
    assert nodes_needed(POOL, [pod(**{CLASS_LABEL.replace("/", "__"): "sensitive"})]) == 0
    assert nodes_needed(POOL, [pod(**{RUNTIME_LABEL.replace("/", "__"): "process"})]) == 0
    assert nodes_needed(POOL, [pod("1001m")]) == 0
    assert nodes_needed(POOL, [pod(memory="1025Mi")]) == 0
    assert nodes_needed(tainted, [pod()]) == 0
    able = PodSpec(
        node_selector={POOL_LABEL: "ads"}, tolerations=(Toleration(key="spot", operator="Exists"),)
    )
    assert nodes_needed(tainted, [Pod(metadata=Meta(), spec=able)]) == 1


@given(st.lists(st.integers(1, 1000), max_size=30))
def test_the_nodes_counted_take_all_pods(sizes: list[int]) -> None:
    """Never fewer than the sum needs, never more than one pod each, and at most four pods on one."""
    pods = [pod(f"{size}m") for size in sizes]
    needed = nodes_needed(POOL, pods)
    assert needed * POOL.cpu_millicores >= sum(sizes)
    assert len(sizes) <= needed * POOL.pods_max
    assert needed <= len(sizes)
    # first fit leaves at most one node less than half full, unless its places ran out
    assert needed <= max(
        2 * sum(sizes) / POOL.cpu_millicores + 1, len(sizes) / POOL.pods_max * 2 + 1
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.floats(0, 40), st.floats(0, 9)), min_size=1, max_size=40
    )
)
def test_the_pool_never_leaves_its_bounds(looks: list[tuple[int, float, float]]) -> None:
    """Whatever comes and goes: between least and most at every moment."""
    state, now_s, count, total = Scaling(), 0.0, 0, POOL.nodes
    added: dict[str, int] = {}
    for pods, passed_s, delay_s in looks:
        now_s += passed_s
        added = dict.fromkeys(added, 0)
        seen = PoolView(pool=POOL, nodes=total, added=added)
        found = look(state, seen, [pod()] * pods, now_s=now_s, delay_s=delay_s)
        state = found.state
        for _ in range(found.add.get("ads", 0)):
            count += 1
            added[f"n{count}"] = 0
        for name in found.remove:
            del added[name]
        total = POOL.nodes + len(added)
        assert POOL.nodes <= total <= POOL.nodes_max
        assert len(state.orders) + total <= POOL.nodes_max
