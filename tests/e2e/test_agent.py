"""Process nodes of a real cluster: pods run, are probed, restarted, ended, cut off by policy, and survive their agent."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.cluster import ClusterState, NodePool
from local.agent_cgroup import Cgroup, find_hierarchies, kill_node
from local.clusters_block import environment_id
from local.clusters_ground import GroundError, require
from local.clusters_state import ClusterFiles
from runtime.processes import marked_processes
from tests.e2e.clusters import Clusters, spec_of

pytestmark = pytest.mark.clusters
ROOT = Path(__file__).parents[2]
NODES = NodePool(name="ads", nodes=2, runtime="process", traffic_class="public")
SPEC = spec_of("agent", "public", NODES)
SERVE = ["python", "-m", "http.server", "8080", "--directory", "/srv/www"]
READY = {"httpGet": {"port": "http", "path": "/conf/hello"}, "periodSeconds": 1}


def eventually(condition: Callable[[], object], *, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)


def container(command: list[str], **more: object) -> dict[str, object]:
    return {"name": "c", "image": "isthmus.local/process", "command": command, **more}


def pod(name: str, *containers: dict[str, object], **spec: object) -> dict[str, object]:
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "nodeSelector": {"isthmus.dev/runtime": "process"}, "terminationGracePeriodSeconds": 1,
            "containers": list(containers), **spec,
        },
    }  # fmt: skip


CONF: list[dict[str, object]] = [
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "conf"},
        "data": {"hello": "hi"},
    },
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"k": "s3"}},
]
WEB = container(
    SERVE,
    ports=[{"name": "http", "containerPort": 8080}],
    readinessProbe=READY,
    volumeMounts=[{"name": "conf", "mountPath": "/srv/www/conf"}],
)
CONF_VOLUME = {"name": "conf", "configMap": {"name": "conf"}}


class Cluster:
    """One cluster and its kubectl."""

    def __init__(self, made: Clusters, state: ClusterState) -> None:
        self.made, self.state = made, state
        files = ClusterFiles(made.root, "agent", "public")
        self.files, self.identity = files, environment_id(str(files.checkout), "agent")

    def kubectl(self, *words: str, text: str = "") -> str:
        return self.made.kubectl(self.state, *words, text=text)

    def apply(self, *objects: dict[str, object]) -> None:
        everything = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "-f", "-", text=json.dumps(everything))

    def get(self, *words: str) -> dict:
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def status(self, name: str) -> dict:
        return self.get("pod", name)["status"]

    def first(self, name: str) -> dict:
        return self.status(name).get("containerStatuses", [{}])[0]

    def is_ready(self, name: str) -> bool:
        conditions = self.status(name).get("conditions", [])
        return any(it["type"] == "Ready" and it["status"] == "True" for it in conditions)

    def ready(self, *names: str) -> None:
        for name in names:
            eventually(lambda name=name: self.is_ready(name))

    def inside(self, name: str) -> str:
        """The pod's network namespace."""
        uid = self.get("pod", name)["metadata"]["uid"]
        return f"/run/netns/is{self.identity}-{uid[:8]}"

    def fetch(self, name: str, address: str) -> str:
        """The page as the pod `name` gets it; empty when it gets none."""
        argv = [
            "nsenter", f"--net={self.inside(name)}", "curl", "--noproxy", "*", "-sf", "-m", "1",
            f"http://{address}:8080/conf/hello",
        ]  # fmt: skip
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout

    def agents(self) -> list[int]:
        found = marked_processes(self.files.mark)
        return [
            it.pid for it in found if b"local.agent" in Path(f"/proc/{it.pid}/cmdline").read_bytes()
        ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all tests here; gone afterwards, with nothing left; skipped where there can be none."""
    try:
        require(SPEC, ROOT)
    except GroundError as error:
        pytest.skip(str(error))
    clusters = Clusters(tmp_path_factory.mktemp("agent"))
    try:
        made = Cluster(clusters, clusters.run("apply", SPEC))
        eventually(lambda: made.kubectl("get", "serviceaccount", "default", "--ignore-not-found"))
        yield made
    finally:
        clusters.run("delete", SPEC)
        assert clusters.left("agent", "public") == []


@pytest.fixture
def cluster(whole: Cluster) -> Iterator[Cluster]:
    """Empty again after each test."""
    yield whole
    for kind in ("deployments", "networkpolicies"):
        whole.kubectl("delete", kind, "--all", "--wait=true", "--timeout=30s")
    whole.kubectl("delete", "pods", "--all", "--grace-period=1", "--timeout=30s")


def test_pods_run_as_in_containers(cluster: Cluster) -> None:
    """Files, environment, address, init container, exit code, back-off, deadline, images; then all is gone again."""
    reader = container(
        ["sh", "-c", "cat /etc/c/hello /etc/k/k /work/x; echo; echo $IP $(hostname -I) $NODE; exit 3"],
        env=[
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
        volumeMounts=[
            {"name": "conf", "mountPath": "/etc/c"}, {"name": "key", "mountPath": "/etc/k"},
            {"name": "work", "mountPath": "/work"},
        ],
    )  # fmt: skip
    init = container(
        ["sh", "-c", "echo prepared > /work/x"],
        volumeMounts=[{"name": "work", "mountPath": "/work"}],
    )
    volumes = [
        CONF_VOLUME,
        {"name": "key", "secret": {"secretName": "key"}},
        {"name": "work", "emptyDir": {}},
    ]
    cluster.apply(
        *CONF,
        pod("reader", reader, initContainers=[{**init, "name": "i"}], volumes=volumes, restartPolicy="Never"),
        pod("crash", container(["sh", "-c", "echo bye; exit 4"])),
        pod("foreign", {"name": "c", "image": "nginx"}),
        pod("deaf", container(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])),
        pod("late", container(["sleep", "600"]), activeDeadlineSeconds=3),
        pod("waits", container(["true"], envFrom=[{"configMapRef": {"name": "later"}}])),
    )  # fmt: skip
    eventually(lambda: cluster.status("reader")["phase"] == "Failed")
    ended = cluster.first("reader")["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    address, node = (
        cluster.status("reader")["podIP"],
        cluster.get("pod", "reader")["spec"]["nodeName"],
    )
    assert cluster.kubectl("logs", "reader") == f"his3prepared\n\n{address} {address} {node}\n"
    eventually(lambda: cluster.first("crash").get("restartCount", 0) >= 1)
    eventually(
        lambda: (
            cluster.first("crash")["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"
        )
    )
    assert cluster.first("crash")["lastState"]["terminated"]["exitCode"] == 4
    assert cluster.kubectl("logs", "crash", "--previous") == "bye\n"
    eventually(lambda: waiting(cluster, "foreign") == "ErrImageNeverPull")
    eventually(lambda: cluster.status("late").get("reason") == "DeadlineExceeded")
    eventually(lambda: waiting(cluster, "waits") == "CreateContainerConfigError")
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "later"}})
    eventually(lambda: cluster.first("waits").get("restartCount", 0) >= 1)
    cluster.ready("deaf")
    begun_s = time.monotonic()
    cluster.kubectl("delete", "pod", "--all", "--wait=true", "--timeout=30s")
    assert time.monotonic() - begun_s < 15
    assert pod_namespaces(cluster) == []


def waiting(cluster: Cluster, name: str) -> str:
    return cluster.first(name).get("state", {}).get("waiting", {}).get("reason", "")


def test_probes_policies_tokens_and_logs(cluster: Cluster) -> None:
    """A sick container is restarted; a denied connection is lost; a token reads what its role may; logs follow."""
    sick = {
        "exec": {"command": ["sh", "-c", "test ! -f /tmp/sick"]},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    ask = (
        f'curl -s --noproxy "*" --cacert {folder}/ca.crt -H "Authorization: Bearer $(cat {folder}/token)" '
        f"https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/$(cat {folder}/namespace)/pods"
    )
    cluster.apply(
        *CONF,
        pod("web", WEB, volumes=[CONF_VOLUME]),
        pod("router", container(["sleep", "600"])),
        pod("other", container(["sleep", "600"])),
        pod("sickly", container(["sh", "-c", "sleep 2; touch /tmp/sick; sleep 600"], livenessProbe=sick)),
        pod("asks", container(["sh", "-c", f"{ask} | grep -o Forbidden"]), restartPolicy="Never"),
        pod("talks", container(["sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.5; done"]), restartPolicy="Never"),
    )  # fmt: skip
    eventually(lambda: cluster.first("talks").get("containerID"))
    assert cluster.kubectl("logs", "talks", "-f") == "1\n2\n3\n4\n5\n"
    told = [
        it.split() for it in cluster.kubectl("logs", "talks", "--timestamps", "--tail=4").splitlines()
    ]  # fmt: skip
    assert [line for _, line in told] == ["2", "3", "4", "5"]
    moments = [datetime.fromisoformat(f"{at[:26]}+00:00").timestamp() for at, _ in told]
    assert all(0.25 < later - at < 2 for at, later in pairwise(moments)), "half a second apart"
    assert 0 <= time.time() - moments[-1] < 60
    assert cluster.kubectl("logs", "talks", f"--since-time={told[2][0]}") == "4\n5\n"
    cluster.ready("web", "router", "other")
    address = cluster.status("web")["podIP"]
    assert cluster.fetch("router", address) == cluster.fetch("other", address) == "hi"
    from_router = {"podSelector": {"matchLabels": {"app": "router"}}}
    cluster.apply(
        {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "web"},
            "spec": {
                "podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"from": [from_router], "ports": [{"port": "http"}]}],
            },
        }
    )  # fmt: skip
    eventually(lambda: not cluster.fetch("other", address))
    assert cluster.fetch("router", address) == "hi"
    assert not cluster.fetch("web", address.rpartition(".")[0] + ".254"), "egress is denied too"
    time.sleep(3)  # readiness would turn within it: three failures, one a second
    assert cluster.is_ready("web"), "probes pass whatever policies say"
    cluster.kubectl("delete", "networkpolicy", "web")
    eventually(lambda: cluster.fetch("other", address))
    eventually(lambda: cluster.status("asks")["phase"] == "Succeeded")
    assert "Forbidden" in cluster.kubectl("logs", "asks"), (
        "known to the API server, and without a role"
    )
    eventually(lambda: cluster.first("sickly").get("restartCount", 0) >= 1)


def test_limits_hold(cluster: Cluster) -> None:
    """More memory than its limit ends a container as OOMKilled; one that burns gets its share of a processor and no more."""
    eat = "x = bytearray(300 << 20); import time; time.sleep(600)"
    cluster.apply(
        pod(
            "eats", container(["python", "-c", eat], resources={"limits": {"memory": "64Mi"}}),
            restartPolicy="Never",
        ),
        pod("burns", container(["sh", "-c", "while :; do :; done"], resources={"limits": {"cpu": "200m"}})),
    )  # fmt: skip
    cluster.ready("burns")
    uid = cluster.get("pod", "burns")["metadata"]["uid"]
    group = Cgroup(find_hierarchies(), next(
        str(it.relative_to(find_hierarchies().unified))
        for it in Path(find_hierarchies().unified, f"isthmus-{cluster.identity}").glob(f"public/*/{uid}/c")
    ))  # fmt: skip
    began_s, before_s = time.monotonic(), group.usage().cpu_s
    eventually(lambda: cluster.status("eats")["phase"] == "Failed")
    ended = cluster.first("eats")["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")
    eventually(lambda: time.monotonic() - began_s > 2)
    used_s, passed_s = group.usage().cpu_s - before_s, time.monotonic() - began_s
    assert used_s < 0.2 * passed_s + 0.1, "one period of a tenth of a second may be counted on top"


def test_a_service_of_ours_runs_with_the_rights_of_the_restricted_standard(
    cluster: Cluster,
) -> None:
    """Read-only root, no capabilities, its state in an emptyDir: as the Fabric deploys it."""
    strict = {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    arguments = [
        "-m", "marketing", "ads", "--name", "$(POD_NAME)", "--site", "public", "--listen",
        "0.0.0.0:8080", "--ready", "/run/isthmus/state/ready.json", "--allow", cluster.state.pod_network,
    ]  # fmt: skip
    health = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1}
    ads = container(
        [str(ROOT / ".venv/bin/python")], args=arguments, securityContext=strict,
        ports=[{"name": "http", "containerPort": 8080}], startupProbe={**health, "failureThreshold": 60},
        readinessProbe=health,
        env=[{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        volumeMounts=[{"name": "state", "mountPath": "/run/isthmus/state"}],
    )  # fmt: skip
    cluster.apply(
        pod("ads", ads, volumes=[{"name": "state", "emptyDir": {}}]),
        pod("router", container(["sleep", "600"])),
    )
    cluster.ready("ads", "router")
    url = f"http://{cluster.status('ads')['podIP']}:8080/ads?slot=top"
    argv = ["nsenter", f"--net={cluster.inside('router')}", "curl", "--noproxy", "*", "-si", url]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert "Isthmus-Served-By: public/ads" in said
    assert cluster.first("ads")["restartCount"] == 0


def test_an_agent_that_dies_loses_no_pod_and_a_node_that_dies_loses_all(cluster: Cluster) -> None:
    """SIGKILL of the agents and an apply: the same processes. cgroup.kill: gone at once, and made anew elsewhere."""
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "nodeSelector": {"isthmus.dev/runtime": "process"}, "containers": [WEB],
                    "volumes": [CONF_VOLUME], "terminationGracePeriodSeconds": 1,
                    "topologySpreadConstraints": [{
                        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
                        "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": {"matchLabels": {"app": "web"}},
                    }],
                },
            },
        },
    }  # fmt: skip
    cluster.apply(*CONF, deployment)

    def pods() -> list[dict]:
        return cluster.get("pods", "-l", "app=web")["items"]

    def ready_on(node: str = "") -> list[str]:
        return sorted(
            it["metadata"]["name"] for it in pods()
            if it["spec"]["nodeName"].startswith(node) and not it["metadata"].get("deletionTimestamp")
            and cluster.is_ready(it["metadata"]["name"])
        )  # fmt: skip

    eventually(lambda: len(ready_on()) == 2)
    before, serving = ready_on(), serving_pids(cluster)
    for pid in cluster.agents():
        os.kill(pid, signal.SIGKILL)
    cluster.made.run("apply", SPEC)
    # a node whose agent just died still says Ready, and one that is back may be given up for dead a moment later
    eventually(lambda: cluster.made.run("read", SPEC).nodes == {"ads": 2})
    if ready_on() == before:  # the agents were back before the nodes were given up for dead
        assert serving_pids(cluster) == serving
    eventually(lambda: len(ready_on()) == 2)
    victim = pods()[0]["spec"]["nodeName"]
    assert kill_node(find_hierarchies(), f"isthmus-{cluster.identity}/public/{victim}")
    eventually(lambda: len(serving_pids(cluster)) <= 1, within_s=2)
    survivor = "ads-2" if victim == "ads-1" else "ads-1"
    eventually(lambda: len(ready_on(survivor)) == 2, within_s=60)
    cluster.made.run("apply", SPEC)
    eventually(lambda: cluster.made.run("read", SPEC).nodes == {"ads": 2})
    eventually(lambda: len(pod_namespaces(cluster)) == 2)


def pod_namespaces(cluster: Cluster) -> list[str]:
    return [it.name for it in Path("/run/netns").glob(f"is{cluster.identity}-????????")]


def serving_pids(cluster: Cluster) -> list[int]:
    groups = Path(find_hierarchies().unified, f"isthmus-{cluster.identity}")
    files = groups.glob("public/*/*/c/cgroup.procs")
    pids = [int(it) for file in files for it in file.read_text().split()]
    return sorted(it for it in pids if b"http.server" in Path(f"/proc/{it}/cmdline").read_bytes())
