"""A promotion on a real API server: nodes and floor before the start, everything as it was after, by the real program."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from autoscale.control.settings import (
    AutoscaleSettings,
    DemandSettings,
    PoolSettings,
    TimingSettings,
)
from autoscale.crd import FILE
from contracts.cluster import ClusterState
from local.clusters_ground import GroundError, require
from runtime.ready import read_ready
from tests.e2e.clusters import ADS, ROOT, Clusters, spec_of

pytestmark = pytest.mark.clusters
NODES, ADD, MAXIMUM = 3, 3, 8
FLOOR = 6
"""500 requests/s at 85 % of 100 each."""
POOL = msgspec.structs.replace(ADS, nodes=NODES, nodes_max=MAXIMUM)
APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: ad-service, namespace: default}
spec:
  selector: {matchLabels: {app: ad-service}}
  template:
    metadata: {labels: {app: ad-service}}
    spec:
      nodeSelector: {isthmus.dev/pool: ads}
      containers: [{name: c, image: none, resources: {requests: {cpu: "900m"}}}]
---
apiVersion: v1
kind: Service
metadata: {name: ads, namespace: default}
spec: {selector: {app: ad-service}, ports: [{port: 80}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: ad-service, namespace: default}
spec:
  minReplicas: 2
  maxReplicas: 10
  # five minutes by default: the floor is never lowered below what the HPA still wants
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ad-service}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
---
apiVersion: v1
kind: Namespace
metadata: {name: isthmus}
"""


class Demand:
    """A Prometheus that knows one number: the demand the test sets."""

    def __init__(self) -> None:
        self.rps = 100.0
        self.queries: list[str] = []
        demand = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                demand.queries.append(parse_qs(urlsplit(self.path).query)["query"][0])
                sample = {"metric": {}, "value": [time.time(), str(demand.rps)]}
                body = json.dumps(
                    {"status": "success", "data": {"resultType": "vector", "result": [sample]}}
                )
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.1,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Shop:
    """The cluster, the program that scales it, and looks at both."""

    def __init__(self, clusters: Clusters, state: ClusterState, directory: Path) -> None:
        self.clusters, self.state, self.directory = clusters, state, directory
        self.demand = Demand()
        self.programs: list[subprocess.Popen[bytes]] = []

    def kubectl(self, *words: str, given: object = "") -> str:
        text = given if isinstance(given, str) else json.dumps(given)
        return self.clusters.kubectl(self.state, *words, text=text)

    def get(self, *words: str) -> dict[str, object]:
        return json.loads(self.kubectl("get", *words, "-o", "json", "--show-managed-fields"))

    def start(self, name: str = "one") -> subprocess.Popen[bytes]:
        ready = self.directory / f"{name}.ready"
        ready.unlink(missing_ok=True)
        settings = AutoscaleSettings(
            kubeconfig=self.state.kubeconfig, ready=str(ready), resync_s=5,
            pools=(PoolSettings(name="ads", maximum=MAXIMUM),),
            demand=DemandSettings(url=self.demand.url, query="demand of {name}", every_s=1),
            timing=TimingSettings(node_s=20, pod_s=3, verify_s=5, safety_s=1), restore_s=20,
        )  # fmt: skip
        file = self.directory / f"{name}.json"
        file.write_bytes(msgspec.json.encode(settings))
        with (self.directory / f"{name}.log").open("ab") as log:
            program = subprocess.Popen(
                [sys.executable, "-m", "autoscale", "--settings", str(file)], cwd=ROOT, stderr=log
            )
        self.programs.append(program)
        eventually(lambda: read_ready(ready) is not None, within_s=30, why=self.log)
        return program

    def stop(self) -> None:
        self.demand.stop()
        for program in self.programs:
            if program.poll() is None:
                program.kill()
            program.wait()

    def nodes(self) -> int:
        return len(self.clusters.nodes(self.state, "ads"))

    def hpa(self) -> tuple[int, int]:
        spec = self.get("hpa", "ad-service")["spec"]
        return spec["minReplicas"], spec["maxReplicas"]

    def promote(self, name: str, *, start_s: float, last_s: float, **changes: object) -> datetime:
        start = datetime.now(UTC) + timedelta(seconds=start_s)
        spec: dict[str, object] = {
            "start": start.isoformat(), "end": (start + timedelta(seconds=last_s)).isoformat(), "mode": "Auto",
            "lead": f"{round(start_s)}s",
            "workloads": [{"name": "ads", "ref": {"name": "ad-service"}, "expectedPeak": 500,
                           "capacityPerReplica": 100, "pool": "ads"}],
            "nodes": [{"pool": "ads", "add": ADD}],
            "release": {"for": "5s", "every": "2s", "maxHold": "5m", "step": "50%"},
        }  # fmt: skip
        made = {
            "apiVersion": "isthmus.dev/v1alpha1", "kind": "Promotion", "metadata": {"name": name},
            "spec": spec | changes,
        }  # fmt: skip
        self.kubectl("apply", "-f", "-", given=made)
        return start

    def status(self, name: str) -> dict[str, object]:
        return self.get("promotion", name).get("status", {})

    def log(self) -> str:
        return "\n".join(path.read_text()[-6000:] for path in self.directory.glob("*.log"))


def eventually(
    condition: Callable[[], bool], *, within_s: float, why: Callable[[], object]
) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(0.3)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Gone after the tests, with nothing left."""
    spec = spec_of("promo", "public", POOL, metrics=True)
    try:
        require(spec, ROOT)
    except GroundError as error:
        pytest.skip(str(error))
    clusters = Clusters(tmp_path_factory.mktemp("promo"))
    found: Shop | None = None
    try:
        found = Shop(clusters, clusters.run("apply", spec), tmp_path_factory.mktemp("programs"))
        found.kubectl("apply", "--server-side", "-f", str(FILE))
        found.kubectl("create", "-f", "-", given=APP)
        yield found
    finally:
        if found is not None:
            found.stop()
        clusters.run("delete", spec)
        assert clusters.left("promo", "public") == []


def test_a_sale_minutes_ahead(shop: Shop) -> None:
    """Nodes n to n+3 and the floor before the start; after the end and falling traffic, all as it was, once."""
    shop.start()
    before = shop.get("hpa", "ad-service")["spec"]
    assert shop.nodes() == NODES
    start = shop.promote("sale", start_s=40, last_s=12)

    def phase(*names: str) -> bool:
        return shop.status("sale").get("phase") in names

    def why() -> str:
        return f"{shop.nodes()} nodes, {shop.status('sale')}\n{shop.log()}"

    eventually(lambda: shop.nodes() >= NODES + ADD, within_s=45, why=why)
    eventually(lambda: shop.hpa()[0] == FLOOR, within_s=30, why=why)
    eventually(lambda: phase("Ready", "Active"), within_s=20, why=why)
    assert datetime.now(UTC) < start, "ready only after the start"
    assert shop.nodes() == NODES + ADD
    shop.demand.rps = 450
    eventually(lambda: phase("Active"), within_s=40, why=why)
    eventually(lambda: phase("Cooling"), within_s=40, why=why)
    assert shop.hpa()[0] == FLOOR
    shop.demand.rps = 50
    eventually(lambda: phase("Released"), within_s=80, why=why)
    assert shop.get("hpa", "ad-service")["spec"] == before
    owners = {
        (one["manager"], one["operation"])
        for one in shop.get("hpa", "ad-service")["metadata"]["managedFields"]
    }
    assert ("kubectl-create", "Update") in owners
    assert ("isthmus-autoscale", "Apply") not in owners, "something is still ours"
    eventually(lambda: not shop.status("sale").get("baselines"), within_s=10, why=why)
    assert "isthmus-hold-ads" not in shop.kubectl(
        "-n", "isthmus", "get", "deployments", "-o", "name"
    )

    def told() -> set[str]:
        return set(shop.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}").split())

    wanted = {"Provisioning", "Ready", "Active", "Cooling", "Released"}
    eventually(lambda: wanted <= told(), within_s=10, why=lambda: wanted - told())


def test_a_second_look_writes_nothing(shop: Shop) -> None:
    """After everything is done, and under a fresh controller, no object gets a new version."""

    def versions() -> str:
        words = "jsonpath={.items[*].metadata.resourceVersion}"
        return shop.kubectl("get", "promotions", "-A", "-o", words) + shop.kubectl(
            "get", "promotions", "-A", "-o", "jsonpath={.items[*].status}"
        )

    before = versions()
    shop.programs[-1].send_signal(signal.SIGTERM)
    assert shop.programs[-1].wait(20) == 0
    shop.start("two")
    time.sleep(6)
    assert versions() == before


def test_killed_in_a_sale_taken_by_hand_and_deleted(shop: Shop) -> None:
    """SIGKILL while the floor is ours: the next replica goes on; a hand-made floor is left alone; a deletion gives back."""
    # idle nodes go: the pool's own autoscaler takes them back. Which replicas the HPA keeps is chance, and one of
    # them may stand on an added node: a cluster autoscaler moves it, the local one does not
    if shop.nodes() > NODES:
        shop.kubectl(
            "drain",
            "-l",
            "isthmus.dev/scaled=true",
            "--force",
            "--ignore-daemonsets",
            "--timeout=30s",
        )
    eventually(lambda: shop.nodes() == NODES, within_s=60, why=shop.nodes)
    before = shop.get("hpa", "ad-service")["spec"]
    # far ahead: ten more are wanted where five fit, and that is said at planning time
    shop.promote("far", start_s=3 * 86400, last_s=60, nodes=[{"pool": "ads", "add": 10}], lead="1h")
    eventually(
        lambda: shop.status("far").get("shortfall") == 5,
        within_s=20,
        why=lambda: shop.status("far"),
    )
    shop.promote("short", start_s=4, last_s=300, nodes=[])
    eventually(
        lambda: shop.hpa()[0] == FLOOR, within_s=40, why=lambda: f"{shop.hpa()}\n{shop.log()}"
    )
    shop.programs[-1].kill()
    shop.programs[-1].wait()
    shop.start("three")
    eventually(lambda: shop.status("short").get("phase") == "Active", within_s=30, why=shop.log)
    assert shop.status("short")["baselines"][0]["floor"] == 2
    shop.kubectl("annotate", "promotion", "short", "isthmus.dev/force-restore=true")
    shop.kubectl("delete", "promotion", "short", "--timeout=60s")
    assert shop.get("hpa", "ad-service")["spec"] == before
    shop.promote("again", start_s=4, last_s=300, nodes=[])
    eventually(
        lambda: shop.hpa()[0] == FLOOR, within_s=40, why=lambda: f"{shop.hpa()}\n{shop.log()}"
    )
    eventually(
        lambda: shop.status("again")["baselines"][0].get("written") == FLOOR,
        within_s=20,
        why=shop.log,
    )
    shop.kubectl("patch", "hpa", "ad-service", "--type=merge", "-p", '{"spec":{"minReplicas":4}}')

    def yields() -> bool:
        return any(
            one["type"] == "Conflict" and one["status"] == "True"
            for one in shop.status("again")["conditions"]
        )

    eventually(yields, within_s=20, why=lambda: shop.status("again"))
    shop.kubectl("delete", "promotion", "again", "--timeout=60s")
    assert shop.hpa()[0] == 4
