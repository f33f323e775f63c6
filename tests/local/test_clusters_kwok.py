"""What kwokctl is told, and a kubeconfig without paths."""

import base64

import pytest
import yaml

from contracts.cluster import Site
from local.clusters_block import Block
from local.clusters_kwok import (
    ADMINISTRATOR,
    COMPONENTS,
    Credentials,
    create_command,
    figures_config,
    kubeconfig,
    kwokctl_config,
    start_command,
)

BLOCK = Block(base=96, id="1a2b")


def documents(site: Site = "public") -> list[dict]:
    text = kwokctl_config(BLOCK.site(site), pki="/pki", figures="/figures.yaml")
    return list(yaml.safe_load_all(text))


def patches(site: Site = "public") -> dict[str, dict[str, str]]:
    cluster = documents(site)[0]
    return {
        it["name"]: {argument["key"]: argument["value"] for argument in it["extraArgs"]}
        for it in cluster["componentsPatches"]
    }


@pytest.mark.parametrize("site", ["public", "private"])
def test_the_api_server_advertises_where_it_is_reached(site: Site) -> None:
    """Without a default route it finds no address; its certificate covers every one it is asked at."""
    net = BLOCK.site(site)
    assert patches(site)["kube-apiserver"]["advertise-address"] == net.management
    assert patches(site)["kube-apiserver"]["service-cluster-ip-range"] == net.services
    names = documents(site)[0]["options"]["kubeApiserverCertSANs"]
    assert {net.management, net.gateway} <= set(names)


def test_what_asks_nobody_for_a_password_listens_on_loopback() -> None:
    """All secrets lie in etcd in plain: only the API server may reach it."""
    options = documents()[0]["options"]
    assert options["bindAddress"] == "127.0.0.1"
    others = [it for name, it in patches().items() if name != "kube-apiserver"]
    assert not [it for it in others if "bind-address" in it]


def test_process_nodes_are_left_to_their_agents() -> None:
    """The fake nodes' controller takes only nodes that say they are its."""
    asked = patches()["kwok-controller"]
    assert asked["manage-all-nodes"] == "false"
    assert asked["manage-nodes-with-label-selector"] == "isthmus.dev/runtime=kwok"


def test_only_the_api_server_may_say_who_is_asking() -> None:
    """A client certificate of the same authority is not believed when it names somebody else."""
    told = patches()["kube-apiserver"]
    assert told["requestheader-client-ca-file"] == "/pki/ca.crt"
    assert told["requestheader-allowed-names"] == ADMINISTRATOR


def test_a_dead_node_is_noticed_within_seconds() -> None:
    """4 s of silence, then eviction of all of them at once."""
    options = documents()[0]["options"]
    assert options["heartbeatFactor"] == 1
    assert options["kubeControllerManagerNodeMonitorGracePeriodMilliseconds"] == 4000
    assert patches()["kube-controller-manager"]["node-eviction-rate"] == "10"


def test_fake_pods_have_figures_that_metrics_server_reads() -> None:
    """The names are a kubelet's, and usage comes from the pod's annotations."""
    metric, usage = yaml.safe_load_all(figures_config())
    assert patches()["kwok-controller"]["config"] == "/figures.yaml"
    names = {it["name"] for it in metric["spec"]["metrics"]}
    assert {"container_cpu_usage_seconds_total", "container_memory_working_set_bytes",
            "node_cpu_usage_seconds_total", "node_memory_working_set_bytes"} <= names  # fmt: skip
    expression = usage["spec"]["usages"][0]["usage"]["cpu"]["expression"]
    assert "kwok.x-k8s.io/usage-cpu" in expression


def test_every_program_is_named_so_that_none_is_downloaded() -> None:
    """What kwokctl is not given it fetches."""
    command = create_command("/b", "/c.yaml", "/k")
    for name in COMPONENTS:
        assert any(it.endswith(f"-binary=/b/{name}") for it in command)
    assert command[command.index("--kubeconfig") + 1] == "/k"
    assert start_command("/b")[0] == "/b/kwokctl"


def test_a_kubeconfig_holds_everything_itself() -> None:
    """It works wherever it is copied to on this machine: no paths, the current context set."""
    given = Credentials(authority=b"ca", certificate=b"cert", key=b"key")
    read = yaml.safe_load(kubeconfig("dev-public", "https://10.96.0.2:6443", credentials=given))
    assert read["current-context"] == read["contexts"][0]["name"] == "dev-public"
    cluster, user = read["clusters"][0]["cluster"], read["users"][0]["user"]
    assert cluster["server"] == "https://10.96.0.2:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"ca"
    assert base64.b64decode(user["client-key-data"]) == b"key"
    assert set(user) == {"client-certificate-data", "client-key-data"}
