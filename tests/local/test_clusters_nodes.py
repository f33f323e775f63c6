"""Nodes made and taken away through an API server that remembers: drained first, gone entirely, repaired."""

import http
import re

import msgspec
import pytest

from contracts.cluster import ClusterSpec, NodePool
from local import clusters_nodes
from local.clusters_api import ApiError
from local.clusters_block import Block
from local.clusters_nodes import Nodes, NodesError, ready_nodes

BLOCK = Block(base=96, id="1a2b")
ADS = NodePool(name="ads", nodes=3, runtime="kwok", traffic_class="public")


class Server:
    """An API server for nodes and pods: fake nodes are Ready at once, evicted pods end unless protected."""

    def __init__(self) -> None:
        self.nodes: dict[str, dict] = {}
        self.pods: dict[str, dict] = {}
        self.protected: set[str] = set()
        self.ready = True
        self.asked: list[str] = []

    def ask(self, method: str, path: str, *, body: object = None, content: str = "") -> bytes:
        self.asked.append(f"{method} {path}")
        match method, path.split("/")[3:]:
            case "GET", ["nodes"]:
                return self._list(self.nodes)
            case "GET", ["pods"]:
                return self._list(self.pods)
            case "POST", ["nodes"]:
                return self._add(body)
            case "PATCH", ["nodes", name]:
                self._known(self.nodes, name)["spec"] |= body["spec"]
            case "DELETE", ["nodes", name]:
                self._known(self.nodes, name)
                del self.nodes[name]
            case "POST", ["namespaces", _, "pods", name, "eviction"]:
                self._known(self.pods, name)
                if name in self.protected:
                    raise ApiError("budget", status=http.HTTPStatus.TOO_MANY_REQUESTS)
                del self.pods[name]
            case "DELETE", ["namespaces", _, "pods", name]:
                self._known(self.pods, name)
                del self.pods[name]
            case _:
                raise AssertionError(f"{method} {path}")
        return b"{}"

    def pod(self, name: str, node: str, *, daemon: bool = False) -> None:
        owners = [{"kind": "DaemonSet"}] if daemon else []
        self.pods[name] = {
            "metadata": {"name": name, "namespace": "default", "ownerReferences": owners},
            "spec": {"nodeName": node},
            "status": {"phase": "Running"},
        }

    def _add(self, body: object) -> bytes:
        node = msgspec.to_builtins(body)
        name = node["metadata"]["name"]
        if name in self.nodes:
            raise ApiError("there", status=http.HTTPStatus.CONFLICT)
        node["metadata"]["creationTimestamp"] = f"2026-11-24T00:00:{len(self.nodes):02}Z"
        status = "True" if self.ready else "Unknown"
        node["status"]["conditions"] = [{"type": "Ready", "status": status}]
        self.nodes[name] = node
        return b"{}"

    @staticmethod
    def _known(kept: dict[str, dict], name: str) -> dict:
        if name not in kept:
            raise ApiError("gone", status=http.HTTPStatus.NOT_FOUND)
        return kept[name]

    @staticmethod
    def _list(kept: dict[str, dict]) -> bytes:
        return msgspec.json.encode({"items": list(kept.values())})


def of(server: Server) -> Nodes:
    return Nodes(server, None, block=BLOCK, site="public")


def spec(nodes: int, pool: NodePool = ADS) -> ClusterSpec:
    sized = msgspec.structs.replace(pool, nodes=nodes)
    return ClusterSpec(environment="dev", site="public", pools=(sized,))


def test_nodes_are_made_with_networks_of_their_own() -> None:
    """Each has its /24 of the site's pod range, also after some went."""
    server = Server()
    slot = of(server).reconcile(spec(3), slot=0)
    slot = of(server).reconcile(spec(1), slot=slot)
    of(server).reconcile(spec(4), slot=slot)
    networks = [it["spec"]["podCIDR"] for it in server.nodes.values()]
    assert networks == [f"10.97.{number}.0/24" for number in (1, 4, 5, 6)]


def test_three_thirteen_three() -> None:
    """Counted by pool at each step."""
    server, slot = Server(), 0
    for count in (3, 13, 3):
        slot = of(server).reconcile(spec(count), slot=slot)
        of(server).await_ready(spec(count))
        assert ready_nodes(spec(count).pools, of(server).all()) == {"ads": count}
    assert set(server.nodes) == {"ads-1", "ads-2", "ads-3"}


def test_a_second_reconcile_changes_nothing() -> None:
    """Only questions are asked."""
    server = Server()
    of(server).reconcile(spec(3), slot=0)
    server.asked.clear()
    of(server).reconcile(spec(3), slot=3)
    assert {it.split()[0] for it in server.asked} == {"GET"}


def test_nodes_of_nobodys_pool_are_left_alone() -> None:
    """What a person added stays."""
    server = Server()
    own = {"metadata": {"name": "mine"}, "spec": {}, "status": {}}
    server.ask("POST", "/api/v1/nodes", body=own)
    of(server).reconcile(spec(0), slot=0)
    assert set(server.nodes) == {"mine"}


def test_a_node_that_goes_is_emptied_first() -> None:
    """Cordoned, its pods evicted, then deleted; a daemon's pod does not hold it up and goes too."""
    server = Server()
    of(server).reconcile(spec(2), slot=0)
    server.pod("a", "ads-2")
    server.pod("d", "ads-2", daemon=True)
    server.pod("b", "ads-1")
    server.asked.clear()
    of(server).reconcile(spec(1), slot=2)
    changes = [it for it in server.asked if not it.startswith("GET")]
    assert changes == [
        "PATCH /api/v1/nodes/ads-2",
        "POST /api/v1/namespaces/default/pods/a/eviction",
        "DELETE /api/v1/nodes/ads-2",
        "DELETE /api/v1/namespaces/default/pods/d",
    ]
    assert set(server.pods) == {"b"}


def test_a_budget_that_never_allows_it_is_cut_off_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The drain is bounded: then the pod goes with its node."""
    monkeypatch.setattr(clusters_nodes, "DRAIN_S", 0.3)
    server = Server()
    of(server).reconcile(spec(1), slot=0)
    server.pod("a", "ads-1")
    server.protected = {"a"}
    of(server).reconcile(spec(0), slot=1)
    assert (server.nodes, server.pods) == ({}, {})
    assert sum("eviction" in it for it in server.asked) > 1


def test_what_vanished_meanwhile_is_as_good_as_taken_away() -> None:
    """Somebody else deleted the node: no error."""
    server = Server()
    of(server).take(["ads-9"])
    assert [it for it in server.asked if it.startswith("DELETE")] == ["DELETE /api/v1/nodes/ads-9"]


def test_nodes_that_do_not_come_up_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pool, how many of how many, where to look."""
    monkeypatch.setattr(clusters_nodes, "READY_S", 0.0)
    server = Server()
    server.ready = False
    of(server).reconcile(spec(2), slot=0)
    with pytest.raises(NodesError, match=re.escape("pool ads has 0 of 2 nodes Ready")):
        of(server).await_ready(spec(2))
