"""`python -m local.clusters apply|read|delete --root DIR`: one real Kubernetes cluster per site on this machine.

The spec comes as JSON on stdin, the state goes as JSON to stdout (contracts.cluster). `apply` makes it so, from
nothing or from whatever a killed run left, and changes nothing when it is so; `read` only looks; `delete` leaves
nothing. Exit: 0 done, 2 the spec or the command line is wrong, 3 this machine or the cluster is not as needed.
"""

import argparse
import secrets
import sys
from pathlib import Path

import msgspec

from contracts.cluster import ClusterSpec, ClusterState
from local.agent_cgroup import Hierarchies
from local.clusters_addons import AddonError, Addons
from local.clusters_agents import Agents
from local.clusters_api import Api, ApiError
from local.clusters_block import Block, ExhaustedError, draw_base, environment_id, other
from local.clusters_check import SpecError, read_named, read_spec
from local.clusters_control import ControlError, ControlPlane, endpoint
from local.clusters_ending import Ending, StaysError
from local.clusters_ground import GroundError, groups, require, require_machine
from local.clusters_network import NetworkError, drawing, exists, make, networks_in_use
from local.clusters_nodes import Nodes, NodesError, ready_nodes
from local.clusters_state import ClusterFiles, Record
from local.clusters_stores import (
    StoreError,
    Stores,
    kafka_address,
    passfile_of,
    postgres_address,
    wanted,
)
from local.kafka import KafkaError
from local.postgres import PostgresError
from local.site_link import FaultError, track_link
from runtime.locks import LockHeldError
from toolchain.kafka import FetchError, LockError

USAGE, ENVIRONMENT = 2, 3
FAILURES = (
    AddonError, ApiError, ControlError, ExhaustedError, FaultError, FetchError, GroundError, KafkaError, LockError,
    LockHeldError, NetworkError, NodesError, OSError, PostgresError, StaysError, StoreError,
)  # fmt: skip


def apply(spec: ClusterSpec, root: Path) -> ClusterState:
    """Make the cluster as the spec says. Raises one of `FAILURES`; the next apply goes on from there."""
    engines = require(spec, root)
    files = ClusterFiles(root, spec.environment, spec.site)
    with files.site_lock():
        record, block = _make_ground(spec, files)
        net = block.site(spec.site)
        track_link(net.namespace)
        stores = Stores(files, net)
        stores.start(spec)
        record = ControlPlane(files, net, engines).ensure(record)
        files.write_record(record)
        with Api(files.kubeconfig) as api:
            addons = Addons(files, net, engines=engines)
            addons.ensure(spec, api)
            nodes = nodes_of(files, block, spec=spec, api=api, found=groups())
            slot = nodes.reconcile(spec, slot=record.slot)
            files.write_record(msgspec.structs.replace(record, slot=slot))
            nodes.await_ready(spec)
        addons.check(spec)
        stores.await_ready(spec)
    return read(spec, root)


def _make_ground(spec: ClusterSpec, files: ClusterFiles) -> tuple[Record, Block]:
    """Addresses, directories, network and the record, in an order in which each may be the last one made."""
    with files.network_lock():
        block = files.read_block()
        if block is None:
            identity = environment_id(str(files.checkout), spec.environment)
            with drawing():
                base = draw_base((*networks_in_use(), *files.other_blocks()))
                block = Block(base=base, id=identity)
                files.make()
                files.write_block(block)
                make(block, spec.site)
        else:
            files.make()
            make(block, spec.site)
    known = files.read_record()
    record = (
        msgspec.structs.replace(known, spec=spec)
        if known
        else Record(
            identifier=f"isthmus-{spec.environment}-{spec.site}-{secrets.token_hex(4)}", spec=spec
        )
    )
    files.write_record(record)
    return record, block


def nodes_of(
    files: ClusterFiles, block: Block, *, spec: ClusterSpec, api: Api, found: Hierarchies | None
) -> Nodes:
    """The nodes of a cluster; without control groups there are only fake ones."""
    agents = Agents(files, block, site=spec.site, groups=found) if found else None
    return Nodes(api, agents, block=block, site=spec.site)


def read(spec: ClusterSpec, root: Path) -> ClusterState:
    """What is there now; nothing is changed and nothing is waited for."""
    files = ClusterFiles(root, spec.environment, spec.site)
    record, block = files.read_record(), files.read_block()
    if record is None or block is None:
        return _nothing(spec)
    net, peer = block.site(spec.site), block.site(other(spec.site))
    counted: dict[str, int] = {pool.name: 0 for pool in spec.pools}
    ready = False
    if exists(net.namespace) and record.formed:
        try:
            with Api(files.kubeconfig) as api:
                ready = api.is_ready()
                counted = ready_nodes(
                    spec.pools, Nodes(api, None, block=block, site=spec.site).all()
                )
        except ApiError:
            ready = False
    asked = wanted(record.spec)
    serving = Stores(files, net).running().keys() >= set(asked)
    return ClusterState(
        environment=spec.environment,
        site=spec.site,
        ready=ready and serving,
        identifier=record.identifier,
        endpoint=endpoint(net),
        kubeconfig=str(files.kubeconfig),
        pod_network=net.pods,
        peer_pod_network=peer.pods,
        nodes=counted,
        namespace=net.namespace,
        kafka=kafka_address(net) if "kafka" in asked else "",
        postgres=postgres_address(net) if "postgres" in asked else "",
        passfile=passfile_of(net) if "postgres" in asked else "",
    )


def delete(spec: ClusterSpec, root: Path) -> ClusterState:
    """Leave nothing of the cluster. Raises one of `FAILURES`; the next delete goes on from there."""
    require_machine()
    files = ClusterFiles(root, spec.environment, spec.site)
    with files.site_lock():
        Ending(files, spec.site, groups()).run()
    return _nothing(spec)


def _nothing(spec: ClusterSpec) -> ClusterState:
    return ClusterState(
        environment=spec.environment, site=spec.site, ready=False, identifier="", endpoint="",
        kubeconfig="", pod_network="", peer_pod_network="", nodes={}, namespace="",
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run one operation; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.clusters", description=__doc__)
    parser.add_argument("operation", choices=("apply", "read", "delete"))
    parser.add_argument(
        "--root", required=True, type=Path, help="the checkout; state is in .isthmus there"
    )
    asked = parser.parse_args(arguments)
    try:
        text = sys.stdin.buffer.read()
        match asked.operation:
            case "apply":
                state = apply(read_spec(text), asked.root)
            case "read":
                state = read(read_named(text), asked.root)
            case _:
                state = delete(read_named(text), asked.root)
    except SpecError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    except FAILURES as error:
        sys.stderr.write(f"{error}\n")
        return ENVIRONMENT
    sys.stdout.write(msgspec.json.encode(state).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
