"""Faults of real clusters: the site link cut, one way and for new connections; nodes killed, lost, frozen; all seen."""

import sys
import time
from pathlib import Path

import pytest

from local.site_rules import LinkFault
from tests.e2e.sites import PODS, Flow, Sites, echo_pod, echo_spec, eventually, sites
from tests.local.wires import canary, tapped

__all__ = ["sites"]
pytestmark = pytest.mark.clusters
VALUE = "1990047" + "0042"
NOTICED_S_MAX = 20.0
"""The grace is 4 s; twice that on an idle machine would be a defect, here others run beside."""
REPLACED_S_MAX = 45.0


@pytest.fixture(scope="module")
def pair(sites: Sites) -> tuple[str, str]:
    """The address of a pod in public, and of one in private, that answer what they hear."""
    sites.apply("public", echo_pod("echo"))
    sites.apply("private", echo_pod("echo"))
    for site in ("public", "private"):
        eventually(lambda site=site: sites.ready(site, "echo"), within_s=60)
    return sites.address("public", "echo"), sites.address("private", "echo")


def test_a_connection_outlives_a_cut_and_new_ones_wait(sites: Sites, pair: tuple[str, str]) -> None:
    """Silent while cut, both ways; healed, the same connection goes on; a cut set twice is one; then no fault is told."""
    flow = sites.flow("private", "echo", pair[0])
    assert flow.say("one") == "one"
    for _ in range(2):
        assert sites.fault("cut").link.keys() == {"public", "private"}
    before = sites.frames("public")
    assert flow.say("two") == "silence"
    assert not sites.flow("private", "echo", pair[0]).opened()
    assert sites.frames("public") > before, "the link itself is up"
    assert set(sites.fault("heal").changed) == {"public", "private"}
    # what was sent meanwhile is sent again by TCP
    eventually(lambda: "two" in flow.say("three"), within_s=20)
    assert sites.fault("heal").changed == ()
    assert sites.fault("status").link == {}


def test_one_way_and_new_connections_only(sites: Sites, pair: tuple[str, str]) -> None:
    """To public: no answer, though the public site is heard; new ones only: a standing connection goes on."""
    out, back = sites.flow("private", "echo", pair[0]), sites.flow("public", "echo", pair[1])
    assert out.say("a") == back.say("a") == "a"
    told = sites.fault("cut-one-way", "--direction", "new-to-public", "--ttl", "60")
    assert told.link.keys() == {"public"}
    assert told.link["public"].kind == "cut-new"
    assert 50 < told.link["public"].left_s <= 60
    assert out.say("b") == back.say("b") == "b"
    assert not sites.flow("private", "echo", pair[0]).opened()
    assert sites.flow("public", "echo", pair[1]).opened()
    told = sites.fault("cut-one-way", "--direction", "to-private")
    assert {site: it.kind for site, it in told.link.items()} == {"private": "cut"}
    assert out.say("c") == "silence"
    sites.fault("heal")
    eventually(lambda: "c" in out.say("d"), within_s=20)


def test_a_cut_without_a_healer_ends_by_itself(sites: Sites, pair: tuple[str, str]) -> None:
    """The kernel ends it, whoever died."""
    sites.fault("cut", "--ttl", "2")
    flow_s = time.monotonic()
    eventually(lambda: sites.flow("private", "echo", pair[0]).opened(), within_s=20)
    assert time.monotonic() - flow_s > 0.5
    assert sites.fault("status").link == {}


def test_what_crosses_and_what_lands_in_public_is_tapped(
    sites: Sites, pair: tuple[str, str], tmp_path: Path
) -> None:
    """A planted value from a private pod is seen on the link and on the pods' bridge; the lossy link hides nothing."""
    namespace = sites.states["public"].namespace
    places = [tmp_path / name for name in ("site", "pods")]
    for place in places:
        place.mkdir()
    with (
        tapped(places[0], namespace) as link,
        tapped(places[1], namespace, interface="pods") as bridge,
    ):
        for tap in (link, bridge):
            tap.arm(canary(1, VALUE))
        flow = sites.flow("private", "echo", pair[0])
        assert flow.say("nothing to see") == "nothing to see"
        assert [tap.seen().hits for tap in (link, bridge)] == [(), ()]
        assert sites.fault("lose", "--per-mille", "100").link["public"].size == 100
        assert f"x{VALUE}" in [flow.say(f"x{VALUE}") for _ in range(5)]
        sites.fault("heal")
        for tap, name in ((link, "site"), (bridge, "pods")):
            hits = [(it.canary, it.listener) for it in tap.seen().hits]
            assert hits == [(1, f"{name} {pair[0]}:8080")]
            assert tap.seen().errors == 0, tap.stats()


def test_a_slow_public_site(sites: Sites, pair: tuple[str, str]) -> None:
    """Its answers come 200 ms late over a narrow link; told as it is; healed, both are gone."""
    flow = sites.flow("private", "echo", pair[0], silence_s=5)
    flow.say("hello")
    assert sites.fault("delay", "--ms", "200", "--direction", "to-private").delay_ms == {"public": 200}  # fmt: skip
    told = sites.fault("cap", "--kib-per-s", "500", "--direction", "to-private", "--ttl", "30")
    fault = told.link["private"]
    assert fault == LinkFault(kind="cap", size=500, left_s=fault.left_s)
    assert told.delay_ms == {"public": 200}
    assert echo_s(flow) >= 0.2
    assert set(sites.fault("heal").changed) == {"public", "private"}
    assert sites.fault("status").delay_ms == {}
    assert echo_s(flow) < 0.2


def echo_s(flow: Flow) -> float:
    """The quickest of some round trips."""
    took_s: list[float] = []
    for number in range(5):
        begun_s = time.monotonic()
        assert flow.say(f"{number}") == f"{number}"
        took_s.append(time.monotonic() - begun_s)
    return min(took_s)


DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
    "spec": {
        "replicas": 3, "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                **echo_spec(),
                "topologySpreadConstraints": [{
                    "maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {"app": "web"}},
                }],
            },
        },
    },
}  # fmt: skip
SERVICE = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
    "spec": {"clusterIP": "None", "selector": {"app": "web"}, "ports": [{"port": 8080}]},
}  # fmt: skip
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=web"


class Web:
    """A Deployment and its Service, as the API tells them."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        sites.apply("public", DEPLOYMENT, SERVICE)
        eventually(lambda: len(self.serving()) == 3, within_s=60)

    def pods(self) -> list[dict]:
        return self.sites.get("public", f"{PODS}?labelSelector=app=web")["items"]

    def serving(self) -> dict[str, str]:
        """Node by address of what a client would call."""
        slices = self.sites.get("public", SLICES)["items"]
        found = [it for one in slices for it in one["endpoints"] or ()]
        return {it["addresses"][0]: it["nodeName"] for it in found if it["conditions"]["ready"]}

    def is_ready(self, node: str) -> bool:
        conditions = self.sites.get("public", f"/api/v1/nodes/{node}")["status"]["conditions"]
        return any(it["type"] == "Ready" and it["status"] == "True" for it in conditions)


def test_pods_of_a_killed_node_come_up_elsewhere(sites: Sites) -> None:
    """One node of three at once: NotReady, out of the slice, replaced on others, in that order; started again, it is back."""
    web = Web(sites)
    victim = next(iter(web.serving().values()))
    gone = {address for address, node in web.serving().items() if node == victim}
    begun_s = time.monotonic()
    assert sites.fault("kill-nodes", "--nodes", victim).changed == (victim,)
    assert sites.fault("kill-nodes", "--nodes", victim).nodes["public"][victim] == "dead"
    eventually(lambda: not gone & web.serving().keys(), within_s=NOTICED_S_MAX)
    slice_s = time.monotonic() - begun_s
    eventually(lambda: not web.is_ready(victim), within_s=NOTICED_S_MAX)
    noticed_s = time.monotonic() - begun_s
    eventually(lambda: len(web.serving()) == 3, within_s=REPLACED_S_MAX)
    replaced_s = time.monotonic() - begun_s
    assert victim not in web.serving().values()
    figures = (
        f"out of the slice {slice_s:.1f} s, NotReady {noticed_s:.1f} s, replaced {replaced_s:.1f} s"
    )
    sys.stdout.write(f"after a node's death: {figures}\n")
    assert sites.fault("start-nodes", "--nodes", victim).changed == (victim,)
    eventually(lambda: web.is_ready(victim), within_s=REPLACED_S_MAX)


def test_a_lost_node_is_silent_where_a_killed_one_refuses(sites: Sites) -> None:
    """Its pods' addresses answer nothing at all; a frozen one neither; both are whole again at once or in time."""
    web = Web(sites)
    eventually(lambda: len(set(web.serving().values())) >= 2, within_s=REPLACED_S_MAX)
    by_node = {node: address for address, node in web.serving().items()}
    first, second = list(by_node)[:2]
    assert refuses(sites, by_node[first]) == "open"
    assert sites.fault("freeze-nodes", "--nodes", first).nodes["public"][first] == "frozen"
    flow = sites.flow("private", "echo", by_node[first])
    assert flow.say("hello") == "silence"
    assert sites.fault("thaw-nodes", "--nodes", first).nodes["public"][first] == "running"
    eventually(lambda: web.is_ready(first), within_s=REPLACED_S_MAX)
    sites.fault("kill-nodes", "--nodes", second, "--lost")
    assert refuses(sites, by_node[second]) == "silent"
    sites.fault("start-nodes", "--nodes", second)
    eventually(lambda: web.is_ready(second), within_s=REPLACED_S_MAX)
    sites.fault("kill-nodes", "--nodes", "ads-9", code=2)
    assert set(sites.fault("status").nodes["public"].values()) == {"running"}
    eventually(lambda: len(web.serving()) == 3, within_s=REPLACED_S_MAX)


def test_an_api_server_that_answers_nothing_stops_nobody(sites: Sites) -> None:
    """Twice a node's grace: pods serve, and are the same ones afterwards; `heal-all` takes it back, and a cut."""
    web = Web(sites)
    before = {it["metadata"]["uid"]: restarts(it) for it in web.pods()}
    flow = sites.flow("private", "echo", next(iter(web.serving())))
    assert flow.say("before") == "before"
    assert sites.fault("freeze-api").api == {"public": "frozen", "private": "running"}
    until_s = time.monotonic() + 8
    while time.monotonic() < until_s:
        assert flow.say("and now") == "and now"
        time.sleep(0.5)
    sites.fault("cut", "--ttl", "60")
    healed = sites.fault("heal-all")
    assert (healed.link, healed.api["public"]) == ({}, "running")
    assert "public API" in healed.changed
    eventually(lambda: len(web.serving()) == 3, within_s=REPLACED_S_MAX)
    assert {it["metadata"]["uid"]: restarts(it) for it in web.pods()} == before
    assert all(map(web.is_ready, sites.fault("status").nodes["public"]))


def restarts(pod: dict) -> int:
    return sum(it["restartCount"] for it in pod["status"]["containerStatuses"])


def refuses(sites: Sites, address: str) -> str:
    """How a new connection from the private site ends."""
    flow = sites.flow("private", "echo", address)
    if flow.opened():
        return "open"
    return "refused" if "Refused" in flow.said() else "silent"
