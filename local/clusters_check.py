"""What is wrong with a cluster that is asked for, before anything is touched. Pure."""

import re
from collections.abc import Iterator

import msgspec

from contracts.cluster import ClusterSpec, NodePool
from local.clusters_block import SUBNETS_PER_SITE

ENVIRONMENT = re.compile(r"[a-z0-9]{1,8}")
POOL = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")
"""With a number behind it it is a node's name, and part of paths and lease names."""
TAINT = re.compile(
    r"([A-Za-z0-9./_-]+)(?:=([A-Za-z0-9._-]*))?:(NoSchedule|PreferNoSchedule|NoExecute)"
)


class SpecError(Exception):
    """The cluster asked for cannot be: every problem with its place, expectation and fix, one a line."""


def read_spec(text: bytes) -> ClusterSpec:
    """The spec, checked. Raises `SpecError`."""
    spec = _decoded(text)
    problems = tuple(problems_of(spec))
    if problems:
        raise SpecError("\n".join(problems))
    return spec


def read_named(text: bytes) -> ClusterSpec:
    """The spec of a cluster that is only looked at or taken away: its name has to be one. Raises `SpecError`."""
    spec = _decoded(text)
    for problem in _name_problems(spec):
        raise SpecError(problem)
    return spec


def _decoded(text: bytes) -> ClusterSpec:
    try:
        return msgspec.json.decode(text, type=ClusterSpec)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SpecError(
            f"cluster spec on stdin: {error}; expected the JSON of contracts/schema/cluster-spec.json. "
            "fix: correct what is named, or take out a key that is not in that schema"
        ) from error


def _name_problems(spec: ClusterSpec) -> Iterator[str]:
    if spec.schema != 1:
        yield f"schema: {spec.schema}; expected 1. fix: use the isthmus that wrote it"
    if not ENVIRONMENT.fullmatch(spec.environment):
        yield (
            f"environment: {spec.environment!r}; expected 1 to 8 of a-z and 0-9. fix: choose a shorter, plainer name"
        )


def problems_of(spec: ClusterSpec) -> Iterator[str]:
    """Each problem as one line."""
    yield from _name_problems(spec)
    names = [pool.name for pool in spec.pools]
    for index, pool in enumerate(spec.pools):
        if pool.name in names[:index]:
            yield f"pools[{index}].name: {pool.name!r} a second time; fix: give each pool its own name"
        for place, problem in _pool_problems(pool):
            yield f"pools[{index}] ({pool.name}).{place}: {problem}"
    total = sum(max(pool.nodes, pool.nodes_max) for pool in spec.pools)
    if total > SUBNETS_PER_SITE:
        yield (
            f"pools: {total} nodes at most together; expected up to {SUBNETS_PER_SITE}, each has a /24 of the "
            "site's pod range. fix: lower nodes or nodes_max"
        )


def _pool_problems(pool: NodePool) -> Iterator[tuple[str, str]]:
    if not POOL.fullmatch(pool.name):
        yield (
            "name",
            f"{pool.name!r}; expected a letter, then up to 19 of a-z, 0-9 and -. fix: rename the pool",
        )
    if pool.nodes < 0:
        yield "nodes", f"{pool.nodes}; expected 0 or more. fix: set 0 for an empty pool"
    if pool.nodes_max and pool.nodes_max < pool.nodes:
        yield (
            "nodes_max",
            f"{pool.nodes_max} below nodes {pool.nodes}; expected 0 (no scaler) or at least nodes. fix: raise it",
        )
    # a pod has an address of its node's /24, and two of the 256 are not for pods
    for name, value, low, high in (
        ("cpu_millicores", pool.cpu_millicores, 1, 1_000_000),
        ("memory_mib", pool.memory_mib, 1, 100_000_000),
        ("pods_max", pool.pods_max, 1, 250),
        ("nodes_max", pool.nodes_max, 0, SUBNETS_PER_SITE),
    ):
        if not low <= value <= high:
            yield name, f"{value}; expected {low} to {high}. fix: set a number in that range"
    for number, taint in enumerate(pool.taints):
        if not TAINT.fullmatch(taint):
            yield (
                f"taints[{number}]",
                f"{taint!r}; expected key=value:NoSchedule (or PreferNoSchedule, NoExecute). fix: write it so",
            )
