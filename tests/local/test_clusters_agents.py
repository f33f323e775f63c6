"""Process nodes are known by their settings and their agents' command lines; ending one leaves nothing."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.cluster import NodePool
from local import clusters_agents
from local.agent_cgroup import Cgroup, Hierarchies
from local.agent_settings import read_settings
from local.clusters_agents import SETTINGS, Agents, end_group, unmount_below
from local.clusters_block import Block
from local.clusters_objects import SETTINGS_LABEL, settings_digest
from local.clusters_state import ClusterFiles
from runtime.processes import (
    MARK,
    Launch,
    end_processes,
    is_alive,
    marked_processes,
    start_process,
)

POOL = NodePool(
    name="core", nodes=1, runtime="process", traffic_class="sensitive", taints=("a=b:NoSchedule",)
)
BLOCK = Block(base=96, id="1a2b")


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ClusterFiles]:
    found = ClusterFiles(tmp_path, "dev", "private")
    found.make()
    yield found
    end_processes(marked_processes(found.mark), signum=signal.SIGKILL, grace_s=5)


@pytest.fixture
def agents(files: ClusterFiles, monkeypatch: pytest.MonkeyPatch) -> Agents:
    """Whose programs sleep, outside of any namespace and control group."""
    sleeping = (sys.executable, "-c", "import time; time.sleep(60)")
    monkeypatch.setattr(
        clusters_agents,
        "inside",
        lambda _, *command: (*sleeping, *command[command.index("--settings") :]),
    )
    groups = Hierarchies(unified=str(files.home / "cgroup"))
    return Agents(files, BLOCK, site="private", groups=groups)


def test_settings_are_what_an_agent_accepts(agents: Agents, files: ClusterFiles) -> None:
    """Pool, networks, labels and limits arrive as the agent reads them."""
    agents.add("core-1", POOL, subnet="10.98.1.0/24", scaled=False)
    settings = read_settings((files.agents / "core-1" / SETTINGS).read_bytes())
    assert agents.settings() == {"core-1": settings}
    assert (settings.pool, settings.traffic_class, settings.taints) == (
        "core",
        "sensitive",
        POOL.taints,
    )
    assert settings.labels == {SETTINGS_LABEL: settings_digest(POOL)}
    assert settings.cgroup == "isthmus-1a2b/private/core-1"
    assert settings.gateway == "10.98.0.1"


def test_an_agent_is_found_by_its_command_line_and_ended(
    agents: Agents, files: ClusterFiles
) -> None:
    """No record of a process number is needed; its files go with it."""
    agents.add("core-1", POOL, subnet="10.98.1.0/24", scaled=True)
    agents.add("core-2", POOL, subnet="10.98.2.0/24", scaled=True)
    running = agents.running()
    assert set(running) == {"core-1", "core-2"}
    agents.end("core-1")
    assert not is_alive(running["core-1"])
    assert set(agents.running()) == set(agents.settings()) == {"core-2"}
    assert not (files.agents / "core-1").exists()


def test_a_node_whose_agent_died_is_started_again(agents: Agents) -> None:
    """Under the same settings."""
    agents.add("core-1", POOL, subnet="10.98.1.0/24", scaled=False)
    end_processes(agents.running().values(), signum=signal.SIGKILL, grace_s=5)
    assert agents.running() == {}
    agents.start("core-1")
    assert set(agents.running()) == {"core-1"}


def test_half_written_settings_are_no_node(agents: Agents, files: ClusterFiles) -> None:
    """Whoever was killed while adding it left nothing that counts."""
    (files.agents / "core-9").mkdir()
    (files.agents / "core-9" / SETTINGS).write_text("{")
    (files.agents / "core-8").mkdir()
    assert agents.settings() == {}
    agents.end("core-9")
    assert not (files.agents / "core-9").exists()


def test_another_clusters_process_is_not_an_agent_of_ours(
    agents: Agents, files: ClusterFiles
) -> None:
    """Settings elsewhere do not count, whatever the process is marked."""
    argv = (
        sys.executable,
        "-c",
        "import time; time.sleep(60)",
        "--settings",
        "/elsewhere/a/settings.json",
    )
    start_process(
        Launch(argv=argv, environ={MARK: files.mark}, cwd="/", log=str(files.logs / "l"))
    )  # fmt: skip
    assert agents.running() == {}


def test_ending_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    """No group, no mounts: no error."""
    end_group(
        Cgroup(Hierarchies(unified=str(tmp_path)), "isthmus-1a2b/x"), namespace_prefix="is1a2b"
    )
    unmount_below(tmp_path / "absent")


def test_an_agent_is_ready_when_the_one_that_runs_now_says_so(
    agents: Agents, files: ClusterFiles
) -> None:
    """What one that is gone has said counts no more: the API server may believe it for seconds."""
    agents.add("core-1", POOL, subnet="10.98.1.0/24", scaled=False)
    ready = files.agents / "core-1" / "ready.json"
    assert not agents.is_ready("core-1")
    ready.write_text("{}")
    assert agents.is_ready("core-1")
    end_processes(agents.running().values(), signum=signal.SIGKILL, grace_s=5)
    agents.start("core-1")
    assert not agents.is_ready("core-1")
