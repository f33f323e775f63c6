"""A cluster that cannot be is refused with place, expectation and fix before anything is touched."""

import msgspec
import pytest

from contracts.cluster import ClusterSpec, NodePool
from local.clusters_check import SpecError, read_named, read_spec

POOL = NodePool(name="ads", nodes=3, runtime="kwok", traffic_class="public")
SPEC = ClusterSpec(environment="dev", site="public", pools=(POOL,))


def spoiled(**changes: object) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(SPEC, **changes))


def with_pool(**changes: object) -> bytes:
    return spoiled(pools=(msgspec.structs.replace(POOL, **changes),))


def test_a_good_spec_is_read_as_it_is() -> None:
    """Nothing is changed on the way."""
    assert read_spec(msgspec.json.encode(SPEC)) == SPEC
    assert (
        read_spec(with_pool(taints=("a=b:NoSchedule", "c:NoExecute"), nodes_max=3)).pools[0].taints
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "stdin"),
        (b"\xff", "stdin"),
        (b'{"environment":"dev","site":"public","pools":[{"name":"ads","size":3}]}', "size|name"),
        (msgspec.json.encode(SPEC).replace(b"kwok", b"docker"), "runtime"),
        (msgspec.json.encode(SPEC).replace(b'"nodes":3', b'"nodes":"3"'), "nodes"),
        (msgspec.json.encode(SPEC).replace(b'"nodes_max"', b'"maximum"'), "maximum"),
        (spoiled(schema=2), "schema: 2"),
        (spoiled(environment="Production"), "environment: 'Production'"),
        (spoiled(environment=""), "environment"),
        (spoiled(pools=(POOL, POOL)), r"pools\[1\]\.name"),
        (with_pool(name="-ads"), "name"),
        (with_pool(name="a" * 21), "name"),
        (with_pool(nodes=-1), "nodes: -1"),
        (with_pool(nodes=3, nodes_max=2), "nodes_max: 2"),
        (with_pool(nodes=255), "pools: 255"),
        (with_pool(nodes_max=255), "nodes_max"),
        (with_pool(cpu_millicores=0), "cpu_millicores: 0"),
        (with_pool(memory_mib=0), "memory_mib: 0"),
        (with_pool(pods_max=251), "pods_max: 251"),
        (with_pool(taints=("a=b",)), r"taints\[0\]: 'a=b'"),
        (with_pool(taints=("a:Never",)), r"taints\[0\]"),
    ],
)  # fmt: skip
def test_a_bad_spec_is_named_with_its_fix(text: bytes, says: str) -> None:
    """Each problem says where, what was expected and what to do."""
    with pytest.raises(SpecError, match=f"(?s)({says}).*fix: "):
        read_spec(text)


def test_every_problem_is_told_at_once() -> None:
    """One line per problem: nobody has to run it again to learn the next one."""
    bad = spoiled(environment="dev-1", pools=(msgspec.structs.replace(POOL, nodes=-1, pods_max=0),))
    with pytest.raises(SpecError) as caught:
        read_spec(bad)
    assert len(str(caught.value).splitlines()) == 3


def test_a_cluster_that_is_only_taken_away_needs_no_good_pools() -> None:
    """Its name is enough; a name that could be a path is refused."""
    assert read_named(with_pool(nodes=-1)).environment == "dev"
    with pytest.raises(SpecError, match="environment"):
        read_named(spoiled(environment="../x"))
