"""Whatever is killed, cut off, expired or mistaken, the command says so, loses nothing, and the next one heals it."""

import datetime as dt
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.engine.pending import interrupted
from infra.workspace import Workspace
from tests.e2e.clusters import Clusters
from tests.e2e.conftest import ROOT, lacking
from tests.e2e.recovery import COMMAND_S_MAX, Environment, backups, image
from tests.infra.certs import kubeconfig_until

pytestmark = pytest.mark.clusters


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The environment `rec` on clusters of its own; each test finds it whole, or makes it so."""
    if why := lacking():
        pytest.skip(why)
    found = Environment(tmp_path_factory.mktemp("recovery"), "rec")
    left: list[str] = []
    try:
        found.begin()
        yield found
        summary, _ = found.go("down")
        assert summary.exit_code == 0, summary
        assert (found.project / "Pulumi.rec-fabric.yaml").exists(), "somebody's configuration went"
        assert found.kubectl("public", "get", "ns", "isthmus", "--ignore-not-found", "-o", "name") == ""  # fmt: skip
    finally:
        left += found.end()
    assert left == []


def statuses(summary) -> dict[str, str]:
    return {it.part: it.status for it in summary.stacks}


def test_a_site_that_was_never_up_is_left_out_without_being_told(env: Environment) -> None:
    """The fabric is installed on what there is, said partial, exit 1; when the cluster is there, an up adds it."""
    if env.whole:
        env.go("down")
        env.whole = False
    env.cut("public")
    summary, _ = env.go()
    assert statuses(summary) == {"public": "failed", "private": "ok", "fabric": "ok"}
    assert (summary.partial, summary.exit_code) == (True, 1)
    assert "installed without public: no cluster has been up there" in summary.stacks[2].note
    assert env.images("private") == {image(0)}
    env.make_clusters()
    assert "isthmus:sites" not in (env.project / "Pulumi.rec-fabric.yaml").read_text()


def test_an_engine_that_is_killed_is_taken_up_and_a_second_command_refused(
    env: Environment,
) -> None:
    """While one works a second exits 2 with its pid; after SIGKILL in the middle the next up ends whole, state kept."""
    env.make_clusters()
    env.kubectl("public", "delete", "deploy", "ads", "-n", "isthmus", "--ignore-not-found")
    env.whole = False
    with env.start("up", "--json") as first:
        env.until(first, "rec-fabric: create Deployment public-ads")
        code, _, err = env.isthmus("up")
        assert (code, f"rec: process {first.pid} (isthmus up" in err) == (2, True), err
        assert "fix: wait for it to end" in err
        for engine in env.engines():
            os.kill(engine.pid, signal.SIGKILL)
        out, _ = first.communicate(timeout=COMMAND_S_MAX)
    assert first.returncode == 1
    assert "the engine was killed (signal 9)" in out
    assert env.at_work() == []
    env.up()
    assert env.held("fabric").pending_operations == ()
    assert env.changes("fabric") == {}
    copies = backups(env, "fabric")
    assert copies
    assert "hunter2" not in json.dumps(copies)


def test_a_command_that_is_killed_leaves_nothing_the_next_does_not_end(env: Environment) -> None:
    """SIGKILL for `isthmus up` itself: the next ends what is left of it, and is whole."""
    env.ensure_whole()
    env.set_image(1)
    with env.start("up") as killed:
        env.until(killed, "rec-fabric: update Deployment")
        killed.kill()
        killed.wait(10)
        assert env.at_work() != []
    summary, said = env.go()
    assert summary.exit_code == 0
    assert "ending what a killed command left" in said
    assert env.at_work() == []
    assert env.images("public") == env.images("private") == {image(1)}
    env.whole = True


def test_a_cluster_out_of_reach_stops_nothing_else_and_loses_nothing(env: Environment) -> None:
    """The others go on, exit 1, partial, said which and why, in up and refresh; the next up catches up."""
    env.ensure_whole()
    before = {part: len(env.held(part).resources) for part in ("public", "fabric")}
    env.cut("public")
    env.set_image(2)
    summary, _ = env.go()
    assert (summary.partial, summary.exit_code) == (True, 1)
    assert statuses(summary) == {"public": "failed", "private": "ok", "fabric": "failed"}
    for result in (summary.stacks[0], summary.stacks[2]):
        assert "the public cluster does not answer: https://" in result.error
        assert "fix: make it answer" in result.error
    assert env.images("private") == {image(2)}
    compared, _ = env.go("refresh")
    assert statuses(compared) == {"public": "failed", "private": "ok", "fabric": "failed"}
    assert not compared.drift
    assert {part: len(env.held(part).resources) for part in before} == before
    env.make_clusters()
    assert env.images("public") == {image(1)} or env.images("public") == {image(0)}
    env.up()
    assert env.images("public") == {image(2)}


def test_new_credentials_replace_nothing_and_expired_ones_are_named_first(env: Environment) -> None:
    """The same cluster identifier: providers change, everything in the clusters stays. An expired one: exit 2."""
    env.ensure_whole()
    path = env.kubeconfig("public")
    path.write_text(env.new_certificate("public"))
    summary, _ = env.go("preview")
    assert summary.exit_code == 0
    for result in summary.stacks:
        assert set(result.changes) <= {"same", "update"}, result
        assert result.changes.get("update", 0) <= 1, result
    path.write_text(kubeconfig_until(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))
    code, out, err = env.isthmus("up")
    assert (code, out) == (2, "")
    assert "nothing was changed" in err
    assert "rec-public: isthmus:kubeconfig: cannot be used: its client certificate ended 2026-01-01" in err  # fmt: skip
    assert "rec-private: up" not in err
    path.write_bytes(Path(env.states["public"].kubeconfig).read_bytes())
    env.whole = True


def test_mistakes_in_every_stack_are_told_at_once_before_anything_is_made(tmp_path: Path) -> None:
    """Wrong type, driver of the other site, missing secret: exit 2, each with stack, key and fix; nothing is up."""
    env = Environment(tmp_path, "bad")
    env.configure("private", driver="eks")
    env.configure("fabric", sites='["private"]', kafkaPrivate='["10.2.0.9:9092"]')
    (env.project / "Pulumi.bad-public.yaml").write_text("config:\n  isthmus:adNodes: many\n")
    code, out, err = env.isthmus("up")
    assert (code, out) == (2, "")
    for said in (
        "bad-public: isthmus:adNodes: Expected `int`", "bad-private: isthmus:driver: eks makes no private cluster",
        "bad-fabric: isthmus:ledgerDsn: missing",
    ):  # fmt: skip
        assert any(said in line and "fix:" in line for line in err.splitlines()), err
    assert "bad-public: up" not in err
    code, _, err = env.isthmus("outputs")
    assert (code, err) == (0, "")
    secret = {"PULUMI_CONFIG_PASSPHRASE": "another"}
    env.configure("fabric", ledgerDsn="host=/run/pg dbname=ledger")
    env.override = secret
    code, _, err = env.isthmus("up")
    assert (code, "the passphrase of the environment is not the one" in err) == (3, True), err


VIOLATION = """\
import os
import pulumi
import pulumi_kubernetes as k8s

provider = k8s.Provider("public", render_yaml_to_directory=os.environ["RENDERED"], cluster_identifier="c-1")
opts = pulumi.ResourceOptions(provider=provider)
held = {"isthmus.dev/class": "public"}
named = {"name": "web", "namespace": "shop", "labels": held}
pod = {"metadata": {"labels": {"app": "web", **held}}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}
k8s.apps.v1.Deployment(
    "web", metadata=named, opts=opts,
    spec={"replicas": 2, "selector": {"match_labels": {"app": "web"}}, "template": pod},
)
k8s.autoscaling.v2.HorizontalPodAutoscaler(
    "web", metadata=named, opts=opts,
    spec={"scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": "web"}, "max_replicas": 3},
)
"""


def test_a_rule_over_a_whole_stack_stops_an_up_before_anything_is_made(tmp_path: Path) -> None:
    """Two owners of replicas, in up as in preview: the rule is named and the state holds nothing of it."""
    env = Environment(tmp_path, "dev")
    rendered = tmp_path / "rendered"
    (env.project / "program").mkdir()
    (env.project / "program/__main__.py").write_text(VIOLATION)
    text = (ROOT / "Pulumi.yaml").read_text()
    (env.project / "Pulumi.yaml").write_text(text.replace("main: infra", "main: program"))
    env.override = {"RENDERED": str(rendered)}
    for action in ("preview", "up"):
        summary, _ = env.go(action)
        assert summary.exit_code == 3
        assert summary.stacks[0].error.startswith("one-owner-of-replicas: ")
        assert "Deployment shop/web has replicas, and web scales it" in summary.stacks[0].error
        assert not any(rendered.rglob("*web*"))
    assert "kubernetes:apps" not in env.state("public")


def test_a_cluster_whose_making_was_cut_short_is_known_and_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL for the engine while driver local makes one: no state knows of it, and down leaves nothing all the same."""
    env = Environment(tmp_path, "cut")
    env.configure("public", driver="local", adRuntime="kwok", adNodes="1", edgeNodes="0", stores="false")  # fmt: skip
    for name, value in env.environ().items():
        monkeypatch.setenv(name, value)
    clusters = Clusters(ROOT)
    workspace = Workspace(env.project, "cut", say=print)
    with workspace.held(), ThreadPoolExecutor() as pool:
        making = pool.submit(workspace.act, "up", "public")
        deadline = time.monotonic() + COMMAND_S_MAX
        while not clusters.left("cut", "public") and not making.done():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for engine in env.engines():
            os.kill(engine.pid, signal.SIGKILL)
        made = making.result()
    assert (made.status, "the engine was killed" in made.error) == ("failed", True), made
    assert [it.lost for it in interrupted(env.held("public").pending_operations)] == [False]
    with workspace.held():
        assert workspace.act("down", "public").status == "ok"
        assert workspace.present() == frozenset()
    assert clusters.left("cut", "public") == []
    assert env.at_work() == []
