"""The policy pack in the real engine: a violation stops preview and up with nothing made, and stored state is judged."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.rules.state import judge_state
from policy.load import load_policy
from tests.e2e.conftest import ROOT

pytestmark = pytest.mark.clusters
PACK = ROOT / "infra" / "policypack"
POLICY = load_policy((ROOT / "local/policy.yaml").read_bytes(), "local/policy.yaml")

PROGRAM = """\
import os
import pulumi
import pulumi_kubernetes as k8s

faults = os.environ["FAULTS"].split()
provider = k8s.Provider(
    os.environ.get("PROVIDER", "public"), render_yaml_to_directory=os.environ["RENDERED"],
    cluster_identifier=None if "no-identifier" in faults else "c-1",
)
opts = pulumi.ResourceOptions(provider=provider)
held = {"isthmus.dev/class": "sensitive" if "sensitive" in faults else "public"}


def named(name):
    return {"name": name, "namespace": "shop", "labels": held}


later = pulumi.Output.from_input("x") if not pulumi.runtime.is_dry_run() else provider.id
env = [{"name": "LATER", "value": later}] if "unknown" in faults else []
if "plain-env" in faults:
    env.append({"name": "DB_PASSWORD", "value": "hunter-2"})
k8s.apps.v1.Deployment(
    "web", metadata=named("web"), opts=opts,
    spec={
        "replicas": 2 if "replicas" in faults else None,
        "selector": {"match_labels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web", **held}},
            "spec": {"containers": [{"name": "main", "image": "web:1", "env": env}]},
        },
    },
)
k8s.autoscaling.v2.HorizontalPodAutoscaler(
    "web", metadata=named("web"), opts=opts,
    spec={"scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": "web"}, "max_replicas": 3},
)
k8s.core.v1.Service(
    "web", metadata=named("web"), opts=opts,
    spec={"type": "LoadBalancer" if "balancer" in faults else "ClusterIP", "ports": [{"port": 80}]},
)
k8s.core.v1.Secret("s", metadata=named("s"), opts=opts, string_data=pulumi.Output.secret({"k": "hunter-2"}))
if "default-provider" in faults:
    k8s.core.v1.ConfigMap("d", metadata=named("d"), data={"a": "b"})
if "config" in faults:
    k8s.core.v1.ConfigMap("c", metadata=named("c"), opts=opts, data={"password": "hunter-2"})
"""


class Project:
    """A small project of its own, with a file backend and everything else of the engine's in one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "Pulumi.yaml").write_text("name: isthmus\nruntime: {name: python}\n")
        (root / "__main__.py").write_text(PROGRAM)
        for name in ("home", "state", "rendered"):
            (root / name).mkdir()

    def pulumi(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / ".isthmus/bin/pulumi", *words, "--non-interactive", "--color=never"],
            cwd=self.root, check=False, capture_output=True, text=True, timeout=300,
            env={
                **os.environ,
                "PATH": f"{ROOT / '.isthmus/bin'}:{os.environ['PATH']}",
                "PULUMI_HOME": str(self.root / "home"),
                "PULUMI_BACKEND_URL": f"file://{self.root / 'state'}",
                "PULUMI_CONFIG_PASSPHRASE": "of no consequence",
                "PULUMI_PYTHON_CMD": sys.executable,
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                "RENDERED": str(self.root / "rendered"),
                "ISTHMUS_POLICY": str(ROOT / "local/policy.yaml"),
                "FAULTS": "",
                **environ,
            },
        )  # fmt: skip

    def judged(
        self, command: str, faults: str, stack: str = "dev-public", **environ: str
    ) -> tuple[int, str]:
        """Preview or up with the pack: the exit code and everything said."""
        self.pulumi("stack", "select", "--create", stack)
        more = ("--yes", "--skip-preview") if command == "up" else ()
        done = self.pulumi(
            command, "-s", stack, "--policy-pack", str(PACK), *more, FAULTS=faults, **environ
        )
        return done.returncode, done.stdout + done.stderr

    def state(self, stack: str = "dev-public") -> bytes:
        return self.pulumi("stack", "export", "-s", stack).stdout.encode()

    def made(self, stack: str = "dev-public") -> list[str]:
        deployment = json.loads(self.state(stack))["deployment"]
        return [
            it["type"]
            for it in deployment.get("resources", [])
            if it["type"].startswith("kubernetes:")
        ]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_what_breaks_no_rule_is_previewed_and_made(project: Project) -> None:
    """The same program as below, without the fault; values that are not known in a preview skip no rule."""
    for faults in ("", "unknown"):
        code, said = project.judged("preview", faults)
        assert code == 0, said
        assert "can't run policy" not in said
    code, said = project.judged("up", "")
    assert code == 0, said
    assert len(project.made()) == 4
    assert judge_state(project.state(), POLICY) == ()


def test_a_violation_stops_preview_and_up_and_nothing_is_made(project: Project) -> None:
    """Exit 1, the rule, the words and the fix; the state holds no Kubernetes resource."""
    for command in ("preview", "up"):
        code, said = project.judged(command, "sensitive")
        assert code not in {0, 2}, said
        assert "[mandatory]" in said
        assert "sensitive-placement" in said
        assert "site public may not hold sensitive data, and this is sensitive" in said
        assert "Fix: put it on a site whose holds covers sensitive" in said
    assert "kubernetes:apps/v1:Deployment" not in project.made()
    code, said = project.judged("preview", "sensitive", "dev-private")
    assert code == 0, said
    code, said = project.judged("preview", "sensitive", "dev-fabric", PROVIDER="private")
    assert code == 0, said
    assert project.judged("preview", "sensitive", "dev-fabric", PROVIDER="public")[0] != 0


def test_each_rule_stops_a_preview(project: Project) -> None:
    """Through the engine, all at once, each with its own words; and no message shows a value."""
    code, said = project.judged(
        "preview", "no-identifier default-provider balancer plain-env config", "prod-private"
    )
    assert code != 0, said
    for rule in (
        "cluster-identifier", "explicit-provider", "private-exposure", "no-plain-secret", "image-digests"
    ):  # fmt: skip
        assert f"[mandatory]  {rule}  (" in said, said
    assert "hunter-2" not in said
    code, said = project.judged("preview", "replicas")
    assert code != 0, said
    assert "one-owner-of-replicas" in said


def test_what_was_made_without_the_pack_is_found_in_the_state(project: Project) -> None:
    """By the engine's own analysis, from an exported file, and by the function over it: without running the program."""
    project.pulumi("stack", "select", "--create", "dev-public")
    done = project.pulumi("up", "-s", "dev-public", "--yes", "--skip-preview", FAULTS="sensitive")
    assert done.returncode == 0, done.stdout + done.stderr
    (project.root / "state.json").write_bytes(project.state())
    for words in (("--stack", "dev-public"), ("--file", "state.json")):
        found = project.pulumi("policy", "analyze", "--policy-pack", str(PACK), *words)
        assert found.returncode != 0
        assert "sensitive-placement" in found.stdout + found.stderr
    rules = {it.rule for it in judge_state(project.state(), POLICY)}
    assert rules == {"sensitive-placement"}


def test_a_pack_without_its_policy_lets_nothing_pass(project: Project) -> None:
    """The engine stops, and what is wrong is said."""
    code, said = project.judged("preview", "", ISTHMUS_POLICY="/none/policy.yaml")
    assert code != 0
    assert "/none/policy.yaml: cannot be read" in said
