"""Control groups: where limits go, and (as root) that a kill reaches everybody."""

import os
import subprocess
from pathlib import Path

import pytest

from local.agent_cgroup import (
    Cgroup,
    CgroupError,
    Hierarchies,
    find_hierarchies,
    kill_node,
    limit_writes,
    parse_mounts,
)

HYBRID = """\
30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw shared:1 - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
UNIFIED = "33 23 0:29 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_a_unified_machine_has_everything_in_one_place() -> None:
    """With the controllers in v2 nothing else is used."""
    found = parse_mounts(UNIFIED, controllers="cpuset cpu io memory pids")
    assert found == Hierarchies(unified="/sys/fs/cgroup")


def test_a_hybrid_machine_limits_in_v1() -> None:
    """What v2 does not have is taken from v1, wherever it is mounted."""
    found = parse_mounts(HYBRID, controllers="hugetlb")
    assert found.cpu == "/sys/fs/cgroup/cpu,cpuacct"
    assert found.memory == "/sys/fs/cgroup/memory"
    assert parse_mounts(HYBRID, controllers="cpu memory").cpu == ""


def test_a_machine_without_v2_is_named() -> None:
    """Without cgroup.kill there is no exact node death, so nothing starts."""
    with pytest.raises(CgroupError, match="cgroup2"):
        parse_mounts(HYBRID.rpartition("33 ")[0], controllers="")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (
            Hierarchies(unified="/u"),
            [("/u/a/cpu.max", "50000 100000"), ("/u/a/memory.max", "1048576")],
        ),
        (
            Hierarchies(unified="/u", cpu="/c", memory="/m"),
            [("/c/a/cpu.cfs_quota_us", "50000"), ("/m/a/memory.limit_in_bytes", "1048576")],
        ),
    ],
)
def test_limits_are_written_where_the_controller_is(where, expected) -> None:
    """Half a processor and one mebibyte, in either layout."""
    assert limit_writes(where, "a", cpu_millicores=500, memory_bytes=1 << 20) == expected


def test_no_limit_writes_nothing_and_a_tiny_one_is_raised_to_the_least() -> None:
    """The kernel refuses a quota under a millisecond."""
    where = Hierarchies(unified="/u")
    assert limit_writes(where, "a", cpu_millicores=0, memory_bytes=0) == []
    assert limit_writes(where, "a", cpu_millicores=1, memory_bytes=0)[0][1].startswith("1000 ")


@pytest.mark.skipif(os.geteuid() != 0, reason="making control groups needs root")
def test_a_node_kill_reaches_grandchildren_of_another_session() -> None:
    """What left its process group and session still dies, and the group can be removed."""
    relative = f"isthmus-test-{os.getpid()}"
    group = Cgroup(find_hierarchies(), f"{relative}/pod")
    group.make()
    script = f"echo 0 > {group.path}/cgroup.procs; setsid sleep 60 & sleep 60"
    shell = subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True)
    try:
        while len(group.processes()) < 3:
            assert shell.poll() is None
        assert group.usage().memory_bytes > 0
        assert kill_node(group.hierarchies, relative)
        assert group.wait_empty(timeout_s=5)
        assert shell.wait(5) == -9
    finally:
        group.kill()
        Cgroup(group.hierarchies, relative).remove()
    assert not Path(group.path).exists()
    assert not kill_node(group.hierarchies, relative)


def test_a_group_that_is_not_there_is_empty() -> None:
    """Looking at what is gone is no error."""
    group = Cgroup(Hierarchies(unified="/nowhere"), "x")
    assert group.processes() == []
    assert not group.is_populated()
    assert group.usage().memory_bytes == 0
    assert not group.was_out_of_memory()
    group.kill()
    group.remove()
