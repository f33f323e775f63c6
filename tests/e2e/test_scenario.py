"""The whole story on two real clusters, as an engineer lives it: from `up` to nothing left."""

import json
import subprocess
import time
import urllib.request
import uuid

import pytest

from tests.e2e.conftest import ROOT
from tests.e2e.environment import Environment, environment, eventually
from tests.e2e.test_policypack import Project, project

__all__ = ["environment", "project"]
pytestmark = pytest.mark.clusters
AD_NODES, MORE_AD_NODES = 4, 9
TRAFFIC_S, RATE, SEED = 90, 150, 4711
"""The site link is cut for a third of it."""
SENSITIVE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: ledger, namespace: isthmus, labels: {isthmus.dev/class: sensitive}}
spec:
  selector: {matchLabels: {app: ledger}}
  template:
    metadata: {labels: {app: ledger, isthmus.dev/class: sensitive}}
    spec: {containers: [{name: main, image: isthmus.local/process}]}
"""


def test_from_nothing_to_nothing(environment: Environment, project: Project) -> None:
    """Up, order, empty preview, drift healed, refusals, dead nodes and a cut link under traffic, nodes up and down, down."""
    comes_up_and_takes_an_order(environment)
    changes_nothing_twice(environment)
    heals_what_was_changed_by_hand(environment)
    refuses_what_the_public_site_may_not_hold(environment, project)
    survives_dead_nodes_and_a_cut_link(environment)
    gets_more_nodes_and_gives_them_back(environment)
    environment.run("down", environment.name, "--confirm", environment.name)
    assert environment.left() == []


def comes_up_and_takes_an_order(at: Environment) -> None:
    configure(at, AD_NODES)
    began_s = time.monotonic()
    at.run("up", at.name)
    core = at.address("private", "router-core")
    assert served_by(core, "GET", "/ads?slot=1").startswith("public/ads-")
    assert served_by(core, "POST", "/orders", {"item": "sku-7", "quantity": 1}).startswith(
        "private/orders-"
    )
    at.say(f"{time.monotonic() - began_s:6.1f} s  from nothing to an order placed (goal 90)")


def configure(at: Environment, ad_nodes: int) -> None:
    at.configure("public", adNodes=str(ad_nodes))
    at.configure("private", policy="local/policy.yaml")
    at.configure("fabric", adReplicas=str(AD_NODES))


def served_by(door: str, method: str, target: str, body: object = None) -> str:
    """Which pod answered a request that went well."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"k-{uuid.uuid4()}"}
    asked = urllib.request.Request(
        f"http://{door}{target}", method=method, headers=headers,
        data=None if body is None else json.dumps(body).encode(),
    )  # fmt: skip
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return answer.headers["Isthmus-Served-By"]


def changes_nothing_twice(at: Environment) -> None:
    assert at.changes("preview") == {}


def heals_what_was_changed_by_hand(at: Environment) -> None:
    at.kubectl("public", "delete", "networkpolicy", "ads", "-n", "isthmus")
    by_hand = ("set", "resources", "deployment/clicks", "-n", "isthmus", "--requests=memory=23Mi")
    at.kubectl("public", *by_hand)
    assert at.changes("refresh", code=1)
    at.run("up", at.name)
    at.kubectl("public", "get", "networkpolicy", "ads", "-n", "isthmus")
    clicks = at.kubectl(
        "public", "get", "deployment", "clicks", "-n", "isthmus", "-o", "yaml"
    ).stdout
    assert "23Mi" not in clicks
    assert at.changes("preview") == {}


def refuses_what_the_public_site_may_not_hold(at: Environment, project: Project) -> None:
    told = at.kubectl("public", "apply", "-f", "-", text=SENSITIVE, code=1).stderr
    assert "sensitive" in told
    assert "ValidatingAdmissionPolicy" in told
    at.kubectl("private", "apply", "--dry-run=server", "-f", "-", text=SENSITIVE)
    code, told = project.judged("preview", "sensitive")
    assert code != 0
    assert "[mandatory]" in told
    assert "sensitive" in told


def survives_dead_nodes_and_a_cut_link(at: Environment) -> None:
    """The demo's own predicate; while the nodes are dead their pods are made anew on living ones."""
    before = at.ready_pods("public", "ads")
    words = (
        "demo",
        "--on",
        at.name,
        "--json",
        "--duration",
        str(TRAFFIC_S),
        "--rate",
        str(RATE),
        "--seed",
        str(SEED),
    )
    began_s = time.monotonic()
    with subprocess.Popen(
        at.command(*words), cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as demo:
        moved = rescheduled(at, before, demo)
        told, narrated = demo.communicate(timeout=TRAFFIC_S + 120)
    at.say(f"{time.monotonic() - began_s:6.1f} s  isthmus {' '.join(words)} -> {demo.returncode}")
    for line in narrated.splitlines():
        at.say(f"          {line}")
    assert demo.returncode == 0, told
    report = json.loads(told)
    assert report["verdict"] == "GO"
    assert report["failover"]["killed"] >= 1
    assert report["leaks"]["seen_public"] == 0
    assert report["leaks"]["beacons_seen"] == report["leaks"]["beacons_sent"] > 1000
    assert report["orders"]["acked"] > 100
    assert report["events"]["lost"] == report["events"]["duplicate"] == 0
    assert moved, "no pod of a dead node was made anew elsewhere"


def rescheduled(at: Environment, before: dict[str, str], demo: subprocess.Popen[str]) -> bool:
    """Whether, while the traffic runs, as many pods are Ready as before, some of them new, on fewer nodes."""
    while demo.poll() is None:
        now = at.ready_pods("public", "ads")
        alive = {it["metadata"]["name"] for it in at.get("public", "nodes") if is_ready(it)}
        if now.keys() - before.keys() and len(now) >= len(before) and set(before.values()) - alive:
            return set(now.values()) <= alive
        time.sleep(1)
    return False


def is_ready(node: dict) -> bool:
    return any(
        (it["type"], it["status"]) == ("Ready", "True") for it in node["status"]["conditions"]
    )


def gets_more_nodes_and_gives_them_back(at: Environment) -> None:
    for wanted in (MORE_AD_NODES, AD_NODES):
        configure(at, wanted)
        at.run("up", at.name)
        assert len(at.nodes("ads")) == wanted
    eventually(
        lambda: len(at.ready_pods("public", "ads")) >= AD_NODES,
        within_s=60,
        what="ads are Ready again",
    )
    assert at.changes("preview") == {}
