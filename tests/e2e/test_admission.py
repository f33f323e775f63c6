"""The admission policy in a real cluster: what the pack refuses, `kubectl apply` is refused too, in the same words."""

import time
from collections.abc import Iterator

import pytest

from infra.admission import manifests
from infra.rules.ground import Ground
from infra.rules.sensitivity import check, refusal
from local.clusters_ground import GroundError, require
from policy.load import load_policy
from tests.e2e.clusters import ADS, ROOT, Clusters, OneCluster, spec_of
from tests.infra.rules.world import PUBLIC, SENSITIVE, resource

pytestmark = pytest.mark.clusters
POLICY = load_policy((ROOT / "local/policy.yaml").read_bytes(), "local/policy.yaml")
VERSIONS = {
    "Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1",
    "CronJob": "batch/v1", "Ingress": "networking.k8s.io/v1",
}  # fmt: skip


class Admitting(OneCluster):
    """A public cluster with the policy in force."""

    def apply(self, body: dict[str, object], *words: str) -> str:
        """Empty when it was taken, else what was said."""
        done = self.kubectl("apply", "-f", "-", *words, given=body)
        return "" if done.returncode == 0 else done.stderr

    def tried(self, body: dict[str, object]) -> str:
        """The same without making it."""
        return self.apply(body, "--dry-run=server")

    def wait_until(self, *words: str, shows: str) -> None:
        deadline = time.monotonic() + 60
        while shows not in (seen := self.kubectl(*words).stdout):
            assert time.monotonic() < deadline, seen
            time.sleep(0.2)


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admitting]:
    """Gone after the tests, with nothing left."""
    spec = spec_of("adm", "public", ADS)
    try:
        require(spec, ROOT)
    except GroundError as error:
        pytest.skip(str(error))
    clusters = Clusters(tmp_path_factory.mktemp("admission"))
    try:
        found = Admitting(clusters, clusters.run("apply", spec))
        assert found.kubectl("create", "namespace", "shop").returncode == 0
        for made in manifests(POLICY, "public"):
            assert found.apply(made) == ""
        deadline = time.monotonic() + 30
        while not found.tried(body("ConfigMap", {})):
            assert time.monotonic() < deadline, "the policy does not come into force"
            time.sleep(0.1)
        yield found
    finally:
        clusters.run("delete", spec)
        assert clusters.left("adm", "public") == []


def body(
    kind: str, labels: dict[str, str], *, name: str = "it", template: dict[str, str] | None = None,
    namespace: str = "shop",
) -> dict[str, object]:  # fmt: skip
    """An object that the API takes, with these labels and those of its pods."""
    inner = {"app": "it", **(labels if template is None else template)}
    pod = {"metadata": {"labels": inner}, "spec": {"containers": [{"name": "main", "image": "x"}]}}
    once = pod | {"spec": pod["spec"] | {"restartPolicy": "Never"}}
    selected = {"selector": {"matchLabels": {"app": "it"}}, "template": pod}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    port = {"name": "it", "port": {"number": 80}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": port}}
    more: dict[str, dict[str, object]] = {
        "Deployment": {"spec": selected},
        "DaemonSet": {"spec": selected},
        "StatefulSet": {
            "spec": selected | {
                "serviceName": "it",
                "volumeClaimTemplates": [{"metadata": {"name": "data", "labels": inner}, "spec": claim}],
            }
        },
        "Job": {"spec": {"template": once}},
        "CronJob": {
            "spec": {
                "schedule": "0 0 1 1 *",
                "jobTemplate": {"metadata": {"labels": inner}, "spec": {"template": once}},
            }
        },
        "Pod": {"spec": pod["spec"]},
        "Secret": {"stringData": {"a": "b"}},
        "ConfigMap": {"data": {"a": "b"}},
        "PersistentVolumeClaim": {"spec": claim},
        "Service": {"spec": {"ports": [{"port": 80}]}},
        "Ingress": {"spec": {"rules": [{"http": {"paths": [path]}}]}},
    }  # fmt: skip
    return {
        "apiVersion": VERSIONS.get(kind, "v1"), "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels}, **more[kind],
    }  # fmt: skip


KINDS = (
    "Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob", "Pod", "Secret", "ConfigMap",
    "PersistentVolumeClaim", "Service", "Ingress",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_api_server_and_the_pack_are_of_one_mind(public: Admitting, kind: str) -> None:
    """For every kind and labelling: refused by both, with the rule's words, or taken by both."""
    ground = Ground(policy=POLICY)
    cases = [
        (PUBLIC, PUBLIC, "it"), (SENSITIVE, SENSITIVE, "it"), ({}, {}, "it"), (PUBLIC, {}, "it"),
        (PUBLIC, SENSITIVE, "it"), (PUBLIC, PUBLIC, "orders"), ({"isthmus.dev/class": "Public"}, PUBLIC, "it"),
        (PUBLIC | {"app.kubernetes.io/name": "profiles"}, PUBLIC, "it"),
    ]  # fmt: skip
    for labels, template, name in cases:
        asked = body(kind, labels, name=name, template=template)
        said = public.tried(asked)
        refused = bool(list(check(resource(kind, asked, stack="adm-public"), ground)))
        assert bool(said) is refused, (labels, template, name, said)
        if refused:
            assert refusal("public") in said
            assert "label it isthmus.dev/class: public" in said


def test_a_sensitive_deployment_is_refused_and_a_public_one_runs(public: Admitting) -> None:
    """By kubectl apply; what the cluster makes of the public one (ReplicaSet, Pods) passes as well."""
    assert refusal("public") in public.apply(body("Deployment", SENSITIVE, name="secretive"))
    absent = public.kubectl("-n", "shop", "get", "deployment", "secretive")
    assert "NotFound" in absent.stderr
    assert public.apply(body("Deployment", PUBLIC, name="banner")) == ""
    public.wait_until(
        "-n",
        "shop",
        "get",
        "pods",
        "-l",
        "app=it",
        "-o",
        "jsonpath={.items[*].status.phase}",
        shows="Running",
    )
    said = public.kubectl(
        "-n", "shop", "label", "deployment", "banner", "isthmus.dev/class=sensitive", "--overwrite"
    )
    assert refusal("public") in said.stderr
    assert public.kubectl("-n", "shop", "delete", "deployment", "banner").returncode == 0


def test_the_cluster_s_own_things_pass(public: Admitting) -> None:
    """A new namespace gets its root certificate; system namespaces keep what is unlabelled, never what is sensitive."""
    assert public.kubectl("create", "namespace", "fresh").returncode == 0
    public.wait_until("-n", "fresh", "get", "configmap", "-o", "name", shows="kube-root-ca.crt")
    assert public.tried(body("ConfigMap", {}, namespace="kube-system")) == ""
    assert refusal("public") in public.tried(body("ConfigMap", SENSITIVE, namespace="kube-system"))
    disguised = body("ConfigMap", {}, name="kube-root-ca.crt")
    disguised["data"] = {"ca.crt": "x", "cards.csv": "x"}
    assert refusal("public") in public.tried(disguised)


def test_what_was_there_before_can_be_taken_away(public: Admitting) -> None:
    """The policy refuses making and changing, never deleting."""
    binding = "isthmus-sensitive-placement"
    assert public.kubectl("delete", "validatingadmissionpolicybinding", binding).returncode == 0
    before = body("ConfigMap", SENSITIVE, name="before")
    before["metadata"] |= {"finalizers": ["isthmus.dev/test"]}
    deadline = time.monotonic() + 30
    while public.apply(before):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert public.apply(manifests(POLICY, "public")[1]) == ""
    while not public.tried(body("ConfigMap", {})):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (
        public.kubectl("-n", "shop", "delete", "configmap", "before", "--wait=false").returncode
        == 0
    )
    freed = public.kubectl(
        "-n",
        "shop",
        "patch",
        "configmap",
        "before",
        "--type=merge",
        "-p",
        '{"metadata":{"finalizers":null}}',
    )
    assert freed.returncode == 0, freed.stderr


def test_the_private_site_takes_everything() -> None:
    """There is nothing to put in force."""
    assert manifests(POLICY, "private") == []
