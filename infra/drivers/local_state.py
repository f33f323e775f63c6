"""Between the engine's property bags and `contracts.cluster`: the command, its answer, and what counts as a change."""

import ipaddress
import subprocess
import sys
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from contracts.cluster import ClusterSpec, ClusterState, NodePool
from infra.rules.values import SECRET, SIGNATURE

ANSWER_S_MAX = 900
"""A cluster with a hundred process nodes takes a minute or two on a busy machine."""

Verb = Literal["apply", "read", "delete"]
Properties = Mapping[str, object]


class LocalClusterError(Exception):
    """`local.clusters` could not do it; its own words."""


def ask(verb: Verb, properties: Properties) -> ClusterState:
    """What `python -m local.clusters` answers. Raises `LocalClusterError`."""
    spec = msgspec.json.encode(spec_of(properties))
    root = str(properties["root"])
    try:
        run = subprocess.run(
            [sys.executable, "-m", "local.clusters", verb, "--root", root],
            input=spec, check=False, capture_output=True, timeout=ANSWER_S_MAX, cwd=root,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise LocalClusterError(
            f"local.clusters {verb}: {error}; expected an answer within {ANSWER_S_MAX} s; "
            "fix: look into .isthmus/clusters"
        ) from error
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip()
        raise LocalClusterError(said or f"local.clusters {verb}: exit code {run.returncode}")
    if verb == "delete" and not run.stdout.strip():
        return absent(spec_of(properties))
    return msgspec.json.decode(run.stdout, type=ClusterState)


def absent(spec: ClusterSpec) -> ClusterState:
    """The state of a cluster that does not exist."""
    return ClusterState(
        environment=spec.environment, site=spec.site, ready=False, identifier="", endpoint="",
        kubeconfig="", pod_network="", peer_pod_network="", nodes={}, namespace="",
    )  # fmt: skip


def spec_of(properties: Properties) -> ClusterSpec:
    """The specification in a property bag; the engine's numbers are floats."""
    return msgspec.convert(properties["spec"], ClusterSpec, strict=False)


def outputs(properties: Properties, state: ClusterState) -> dict[str, object]:
    """The property bag the engine keeps: what was asked for, and the contract of every driver."""
    return {
        "root": properties["root"],
        "spec": properties["spec"],
        "ready": state.ready,
        "cluster_identifier": state.identifier,
        "api_endpoint": state.endpoint,
        "pod_endpoint": pod_endpoint(state),
        "kubeconfig": _text(state.kubeconfig),
        "networks": [state.pod_network] if state.pod_network else [],
        "nodes": dict(state.nodes),
        "kafka": [state.kafka] if state.kafka else [],
        "ledger_dsn": _dsn(state, "ledger"),
        "warehouse_dsn": _dsn(state, "warehouse"),
        "database_password": _password(state.passfile),
    }


HIDDEN = ("kubeconfig", "ledger_dsn", "warehouse_dsn", "database_password")
"""Properties that are secret."""
STABLE = ("cluster_identifier", "api_endpoint", "pod_endpoint", "networks", "kafka", *HIDDEN)
"""What an update of a cluster does not change. Without them a preview would show everything in it as changing."""


def with_known(olds: Properties, news: Properties) -> dict[str, object]:
    """The inputs `news` with the stable outputs of the cluster as it is; as they are when there is none yet.

    What is secret is so as an input too.
    """
    if not olds or replaced_by(olds, news):
        return dict(news)
    state = ask("read", news)
    if not state.identifier:
        return dict(news)
    found = outputs(news, state)
    known = {**news, **{key: found[key] for key in STABLE}}
    # as the engine writes it: an Output needs an event loop, which a provider's thread has not
    return {**known, **{key: {SIGNATURE: SECRET, "value": known[key]} for key in HIDDEN}}


def _text(path: str) -> str:
    """The file's text; empty while a cluster that was never finished has none."""
    try:
        return Path(path).read_text() if path else ""
    except FileNotFoundError:
        return ""


def _dsn(state: ClusterState, database: str) -> str:
    host, _, port = state.postgres.rpartition(":")
    return f"host={host} port={port} dbname={database} user=isthmus" if host else ""


def _password(passfile: str) -> str:
    """The last field of the only line of a libpq password file."""
    return _text(passfile).strip().rpartition(":")[2]


def pod_endpoint(state: ClusterState) -> str:
    """The API server at the first address of the pod range: the one address that pods of both sites can route to."""
    if not state.pod_network or not state.endpoint:
        return ""
    gateway = next(ipaddress.ip_network(state.pod_network).hosts())
    return f"https://{gateway}:{urllib.parse.urlsplit(state.endpoint).port}"


def replaced_by(olds: Properties, news: Properties) -> list[str]:
    """The properties whose change makes it another cluster."""
    old, new = spec_of(olds), spec_of(news)
    same = (old.environment, old.site) == (new.environment, new.site)
    return [
        *([] if same else ["spec"]),
        *([] if olds["root"] == news["root"] else ["root"]),
    ]


def must_apply(olds: Properties, news: Properties) -> bool:
    """Whether the cluster has to be touched: the specification changed, or a refresh saw less than it asks for."""
    new = spec_of(news)
    if spec_of(olds) != new or not olds.get("ready"):
        return True
    nodes = msgspec.convert(olds["nodes"], dict[str, int], strict=False)
    return any(_off(pool, nodes.get(pool.name, 0)) for pool in new.pools)


def _off(pool: NodePool, nodes: int) -> bool:
    return not pool.nodes <= nodes <= max(pool.nodes, pool.nodes_max)
