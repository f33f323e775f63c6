"""Real clusters for tests: made and taken away by the command itself, and a look at what is left on the machine."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from contracts.cluster import ClusterSpec, ClusterState, NodePool, Site
from local.agent_cgroup import Cgroup
from local.clusters_block import environment_id
from local.clusters_ground import GroundError, engines_directory, groups, require
from local.clusters_state import ClusterFiles
from runtime.processes import marked_processes

ROOT = Path(__file__).parents[2]
COMMAND_S_MAX = 240
ADS = NodePool(name="ads", nodes=3, runtime="kwok", traffic_class="public")


def spec_of(
    environment: str, site: Site, *pools: NodePool, metrics: bool = False, prometheus: bool = False
) -> ClusterSpec:
    return ClusterSpec(
        environment=environment, site=site, pools=pools, metrics=metrics, prometheus=prometheus
    )


class Clusters:
    """Clusters of one state directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.specs: dict[tuple[str, Site], ClusterSpec] = {}

    def command(self, operation: str) -> list[str]:
        return [sys.executable, "-m", "local.clusters", operation, "--root", str(self.root)]

    def run(self, operation: str, spec: ClusterSpec) -> ClusterState:
        self.specs[spec.environment, spec.site] = spec
        done = subprocess.run(
            self.command(operation), input=msgspec.json.encode(spec), cwd=ROOT, check=False,
            capture_output=True, timeout=COMMAND_S_MAX,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return msgspec.json.decode(done.stdout, type=ClusterState)

    def killed(self, operation: str, spec: ClusterSpec, *, after_s: float) -> None:
        """Run it and SIGKILL it after that long, if it still runs."""
        self.specs[spec.environment, spec.site] = spec
        with subprocess.Popen(
            self.command(operation), stdin=subprocess.PIPE, cwd=ROOT, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            assert process.stdin
            process.stdin.write(msgspec.json.encode(spec))
            process.stdin.close()
            try:
                process.wait(after_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)

    def try_kubectl(
        self, state: ClusterState, *words: str, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Whatever comes of it."""
        program = engines_directory(self.root) / "kubectl"
        return subprocess.run(
            [program, "--kubeconfig", state.kubeconfig, *words], check=False, input=text,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def kubectl(self, state: ClusterState, *words: str, text: str = "") -> str:
        done = self.try_kubectl(state, *words, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def nodes(self, state: ClusterState, pool: str) -> list[str]:
        """Names of a pool's nodes, as kubectl tells them."""
        label = f"isthmus.dev/pool={pool}"
        return self.kubectl(state, "get", "nodes", "-l", label, "-o", "name").split()

    def left(self, environment: str, site: Site) -> list[str]:
        """Everything of a cluster that is still on this machine; empty when it is gone."""
        files = ClusterFiles(self.root, environment, site)
        identity = environment_id(str(files.checkout), environment)
        short, letter = ("pub", "p") if site == "public" else ("prv", "v")
        names = Path("/run/netns")
        found = [str(it) for it in names.glob(f"is{identity}-{short}")] if names.is_dir() else []
        found += [str(it) for it in Path("/sys/class/net").glob(f"ism{identity}{letter}")]
        found += [f"process {it.pid}" for it in marked_processes(files.mark)]
        found += [str(files.site)] if files.site.exists() else []
        found += [str(it) for it in Path("/var/lib").glob(f"is{identity}-{short}")]
        hierarchies = groups()
        if hierarchies:
            group = Cgroup(hierarchies, f"isthmus-{identity}/{site}")
            found += [str(it) for it in group.directories() if it.exists()]
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        found += [line for line in mounts if f"is{identity}-{short}" in line or files.mark in line]
        routes = subprocess.run(
            ["ip", "route", "show", "table", "all"], check=True, capture_output=True, text=True
        ).stdout
        found += [line for line in routes.splitlines() if f"ism{identity}{letter}" in line]
        return found


class OneCluster:
    """One of them, asked with `kubectl`; what is refused is an answer too."""

    def __init__(self, clusters: Clusters, state: ClusterState) -> None:
        self.clusters, self.state = clusters, state

    def kubectl(self, *words: str, given: object = None) -> subprocess.CompletedProcess[str]:
        text = "" if given is None else json.dumps(given)
        return self.clusters.try_kubectl(self.state, *words, text=text)


@pytest.fixture
def clusters(tmp_path: Path) -> Iterator[Clusters]:
    """Clusters that are gone after the test, however it ended; skipped where there can be none."""
    try:
        require(spec_of("x", "public", metrics=True), ROOT)
    except GroundError as error:
        pytest.skip(str(error))
    found = Clusters(tmp_path)
    yield found
    for spec in found.specs.values():
        found.run("delete", spec)
    left = [it for environment, site in found.specs for it in found.left(environment, site)]
    assert left == []
