"""Process nodes killed, frozen and started again, by control groups of this machine."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.cluster import NodePool
from local import clusters_agents
from local.agent_cgroup import Cgroup
from local.clusters_agents import Agents
from local.clusters_block import Block
from local.clusters_ground import groups
from local.clusters_state import ClusterFiles
from local.site_nodes import NodeError, SiteNodes
from runtime.processes import end_processes, marked_processes
from tests.local.wires import inside, rooted, run

POOL = NodePool(name="ads", nodes=2, runtime="process", traffic_class="public")
BLOCK = Block(base=96, id="0e2e")
JOIN = "import sys, time; open(sys.argv[1], 'w').write('0'); time.sleep(60)"


class Site:
    """A site whose agents are programs that join their node's group and sleep."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        found = groups()
        assert found
        self.files = ClusterFiles(root, "dev", "public")
        self.files.make()
        self.group = Cgroup(found, f"{BLOCK.cgroup}/public")
        self.agents = Agents(self.files, BLOCK, site="public", groups=found)
        self.nodes = SiteNodes(self.files, BLOCK, site="public", groups=found)
        monkeypatch.setattr(clusters_agents, "inside", lambda _, *command: self._argv(command))

    def _argv(self, command: tuple[str, ...]) -> tuple[str, ...]:
        settings = command[command.index("--settings") :]
        group = self.group.child(Path(settings[1]).parent.name)
        group.make()
        return (sys.executable, "-c", JOIN, str(group.path / "cgroup.procs"), *settings)

    def add(self, name: str) -> None:
        self.agents.add(name, POOL, subnet="10.97.1.0/24", scaled=False)
        while not self.group.child(name).is_populated():
            pass


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Gone with its groups afterwards."""
    made = Site(tmp_path, monkeypatch)
    yield made
    made.group.kill()
    end_processes(marked_processes(made.files.mark), signum=signal.SIGKILL, grace_s=5)
    made.group.wait_empty(timeout_s=5)
    made.group.remove()
    for directory in Cgroup(made.group.hierarchies, BLOCK.cgroup).directories():
        directory.rmdir()


@rooted
def test_nodes_die_freeze_and_come_back(site: Site) -> None:
    """Each operation tells what it changed, does nothing the second time, and leaves the others alone."""
    for name in ("ads-1", "ads-2"):
        site.add(name)
    assert site.nodes.states() == {"ads-1": "running", "ads-2": "running"}
    assert site.nodes.freeze(["ads-1"], frozen=True) == ("ads-1",)
    assert site.nodes.freeze(["ads-1"], frozen=True) == ()
    assert site.nodes.states() == {"ads-1": "frozen", "ads-2": "running"}
    assert site.nodes.freeze(["ads-1", "ads-2"], frozen=False) == ("ads-1",)
    assert site.nodes.states()["ads-1"] == "running"
    assert site.nodes.kill(["ads-1"], lost=False) == ("ads-1",)
    assert site.nodes.kill(["ads-1"], lost=False) == ()
    assert site.nodes.states() == {"ads-1": "dead", "ads-2": "running"}
    assert site.nodes.start(["ads-1", "ads-2"]) == ("ads-1",)
    assert site.nodes.start(["ads-1", "ads-2"]) == ()
    assert site.nodes.states()["ads-1"] == "running"


@rooted
def test_a_frozen_node_dies_and_its_successor_is_not_frozen(site: Site) -> None:
    """The group is thawed when it is killed."""
    site.add("ads-1")
    site.nodes.freeze(["ads-1"], frozen=True)
    assert site.nodes.kill(["ads-1"], lost=False) == ("ads-1",)
    site.nodes.start(["ads-1"])
    assert site.nodes.states() == {"ads-1": "running"}


@rooted
def test_a_lost_nodes_pods_fall_silent(site: Site) -> None:
    """Their links go down; a node that is only killed leaves them up."""
    namespace = BLOCK.site("public").namespace
    assert run("ip", "netns", "add", namespace)
    try:
        site.add("ads-1")
        site.group.child("ads-1").child("0a1b2c3d-0000-4000-8000-000000000001").make()
        assert run("ip", "-n", namespace, "link", "add", "isv0a1b2c3d", "type", "veth", "peer", "name", "eth0")  # fmt: skip
        assert run("ip", "-n", namespace, "link", "set", "isv0a1b2c3d", "up")

        def up() -> bool:
            argv = inside(namespace, "ip", "-o", "link", "show", "isv0a1b2c3d", "up")
            return b"isv" in subprocess.run(argv, capture_output=True, check=True).stdout

        site.nodes.kill(["ads-1"], lost=False)
        assert up()
        site.nodes.kill(["ads-1"], lost=True)
        assert not up()
    finally:
        run("ip", "netns", "delete", namespace)


@rooted
def test_what_is_no_node_is_named(site: Site) -> None:
    """With those there are."""
    site.add("ads-1")
    site.nodes.check(["ads-1"])
    with pytest.raises(NodeError, match=r"ads-7: no process node of site public; expected some of ads-1"):  # fmt: skip
        site.nodes.check(["ads-1", "ads-7"])
