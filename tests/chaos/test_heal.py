"""Twin of chaos/heal.py."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from chaos.clock import SystemClock
from chaos.heal import HealError, heal_all, heal_lease
from chaos.leases import Leases, rule_id
from chaos.probes import broker_answers
from contracts.fault import FaultKind, Lease
from contracts.tap import TapReport
from runtime.control import call_control
from runtime.processes import is_running, signal_process
from tests.chaos.stage import Stage, eventually, state_of

CLOCK = SystemClock()


def lease(stage: Stage, kind: FaultKind, *targets: str) -> Lease:
    return Lease(
        id=f"01-{kind}", kind=kind, targets=targets, params={}, cloud=str(stage.path),
        runner_pid=1, runner_start_ticks=1, created_wall_s=0.0, expires_wall_s=0.0,
    )  # fmt: skip


def kill(stage: Stage, *names: str) -> None:
    for name in names:
        node = stage.cloud.named(name)
        signal_process(node.pid, node.start_ticks, signal.SIGKILL)
        eventually(lambda node=node: not is_running(node.pid, node.start_ticks))


def test_every_kind_is_healed_once_and_once_more(full_stage: Stage) -> None:
    """Killed nodes and bridge run again, the link is whole, the drop is off; a second heal is a no-op."""
    relay, orders = full_stage.root / "relay.sock", full_stage.root / "orders.sock"
    kill(full_stage, "ad-2", "ad-4", "bridge")
    call_control(relay, "cut")
    call_control(orders, "drop_responses", share=1.0)
    slow = lease(full_stage, "relay_fault", str(relay))
    call_control(relay, "fault", id=rule_id(slow), hole=True)
    grey = full_stage.cloud.named("ad-1")
    signal_process(grey.pid, grey.start_ticks, signal.SIGSTOP)
    leases = (
        lease(full_stage, "process_stop", "ad-1"),
        slow,
        lease(full_stage, "process_kill", "ad-2", "bridge"),
        lease(full_stage, "node_kill", "ad-2", "ad-4"),
        lease(full_stage, "bridge_kill", "bridge"),
        lease(full_stage, "link_cut", str(relay)),
        lease(full_stage, "response_drop", str(orders)),
    )
    for one in leases + leases:
        assert heal_lease(one, CLOCK)
    assert full_stage.all_run()
    assert state_of(grey) == "S"
    assert broker_answers(full_stage.cloud.endpoint("kafka.public.link"), timeout_s=2)
    assert not msgspec.json.decode(call_control(relay, "stats"), type=TapReport).cut
    assert b'"drop_share":0.0' in bytes(call_control(orders, "stats"))


def test_a_stopped_bridge_goes_on(full_stage: Stage) -> None:
    """A runner that died between stop and kill left it stopped: it is woken, not doubled."""
    bridge = full_stage.cloud.named("bridge")
    signal_process(bridge.pid, bridge.start_ticks, signal.SIGSTOP)
    assert "all were running" in heal_lease(lease(full_stage, "bridge_kill", "bridge"), CLOCK)
    eventually(lambda: state_of(bridge) == "S")


def test_faults_whose_process_is_gone_are_gone(full_stage: Stage) -> None:
    """A dead relay cuts nothing any more; a socket that never was neither."""
    kill(full_stage, "relay-link")
    assert "gone" in heal_lease(
        lease(full_stage, "link_cut", str(full_stage.root / "relay.sock")), CLOCK
    )
    assert "gone" in heal_lease(lease(full_stage, "link_cut", str(full_stage.root / "none")), CLOCK)


def test_nothing_is_started_in_a_cloud_that_is_gone_or_ownerless(full_stage: Stage) -> None:
    """No state file, or an owner that died without --keep: a process started now would be nobody's."""
    kill(full_stage, "ad-1")
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    full_stage.save(owner_pid=gone.pid)
    one = lease(full_stage, "node_kill", "ad-1")
    assert "owner is gone" in heal_lease(one, CLOCK)
    assert not full_stage.all_run()
    full_stage.save(owner_pid=gone.pid, keep=True)
    assert "ad-1" in heal_lease(one, CLOCK)
    assert full_stage.all_run()
    full_stage.path.rename(full_stage.root / "away")
    assert "cloud is gone" in heal_lease(one, CLOCK)
    full_stage.root.joinpath("away").rename(full_stage.path)


def test_heal_all_heals_what_it_can_and_names_the_rest(
    full_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused heal keeps its lease and its reason; the others are healed and removed."""
    refusing = lease(full_stage, "link_cut", str(full_stage.root / "orders.sock"))
    good = msgspec.structs.replace(
        lease(full_stage, "response_drop", str(full_stage.root / "orders.sock")),
        runner_pid=os.getpid(),
    )
    leases = Leases(full_stage.root / "leases")
    with leases.locked():
        leases.write(refusing)
        leases.write(good)
    healed = heal_all(leases.directory, CLOCK)
    assert healed.healed == (good.id,)
    assert list(healed.failed) == [refusing.id]
    assert leases.open_leases() == (refusing,)


def test_a_process_that_does_not_come_back_is_not_healed(
    full_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names who is not ready."""
    monkeypatch.setattr("chaos.cloud.READY_S_MAX", 0.2)
    broken = full_stage.root / "broken"
    full_stage.node("ad-9", "--refuse-to-start", str(broken))
    full_stage.save()
    broken.touch()
    kill(full_stage, "ad-9")
    with pytest.raises(HealError, match="expected to be ready: ad-9"):
        heal_lease(lease(full_stage, "node_kill", "ad-9"), CLOCK)


def test_a_lease_that_cannot_be_removed_is_not_healed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has the lock and does not let go: the reason says who, and the lease stays."""
    monkeypatch.setattr("chaos.leases.LOCK_WAIT_S", 0.1)
    leases = Leases(tmp_path / "leases")
    one = Lease(
        id="01-link_cut", kind="link_cut", targets=(str(tmp_path / "none"),), params={}, cloud="c",
        runner_pid=1, runner_start_ticks=1, created_wall_s=0.0, expires_wall_s=0.0,
    )  # fmt: skip
    with leases.locked():
        leases.write(one)
        done = heal_all(leases.directory, CLOCK)
    assert done.healed == ()
    assert f"held by process {os.getpid()}" in done.failed[one.id]
    assert leases.open_leases() == (one,)


def test_leases_are_healed_the_newest_first(full_stage: Stage) -> None:
    """A fault may stand on an older one: two policies swapped in turn must end with the first."""
    order: list[str] = []
    leases = Leases(full_stage.root / "leases")
    with leases.locked():
        for number, name in enumerate(("ad-1", "ad-2", "ad-3")):
            one = lease(full_stage, "process_stop", name)
            leases.write(
                msgspec.structs.replace(one, id=f"0{number}", created_wall_s=float(number))
            )
    order.extend(heal_all(leases.directory, CLOCK).healed)
    assert order == ["02", "01", "00"]
