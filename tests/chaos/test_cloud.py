"""Twin of chaos/cloud.py."""

import os
import signal
import threading
from pathlib import Path

import pytest

from chaos.clock import SystemClock
from chaos.cloud import Cloud, CloudError, http_address, pinned
from chaos.processes import find_running, start_again
from runtime.locks import file_lock
from runtime.processes import is_running, signal_process
from tests.chaos.stage import Stage, eventually


def kill(stage: Stage, name: str) -> None:
    node = stage.cloud.named(name)
    signal_process(node.pid, node.start_ticks, signal.SIGKILL)
    eventually(lambda: not is_running(node.pid, node.start_ticks))


def test_a_dead_process_comes_back_at_its_address(set_stage: Stage) -> None:
    """It listens where it did, is on record with its new pid, and its neighbour is left alone."""
    first, second = set_stage.node("ad-1"), set_stage.node("ad-2")
    set_stage.save()
    address = http_address(first)
    kill(set_stage, "ad-1")
    assert set_stage.cloud.start_dead(("ad-1", "ad-2")) == ("ad-1",)
    assert set_stage.cloud.unready(("ad-1", "ad-2"), SystemClock()) == ()
    back = set_stage.cloud.named("ad-1")
    assert back.pid != first.pid
    assert back.argv == first.argv
    assert http_address(back) == address
    assert set_stage.cloud.named("ad-2") == second


def test_two_healers_at_once_start_one_process(set_stage: Stage) -> None:
    """The lock lets the second one see what the first did; the stage's end would find a double."""
    set_stage.node("ad-1")
    set_stage.save()
    kill(set_stage, "ad-1")
    started: list[str] = []
    healers = [
        threading.Thread(target=lambda: started.extend(Cloud(set_stage.path).start_dead(["ad-1"])))
        for _ in range(4)
    ]
    for healer in healers:
        healer.start()
    for healer in healers:
        healer.join()
    assert started == ["ad-1"]


def test_a_process_a_dead_healer_started_is_taken_over(set_stage: Stage) -> None:
    """Started again but not yet on record: it is found by its command line."""
    node = set_stage.node("ad-1")
    set_stage.save()
    kill(set_stage, "ad-1")
    again = start_again(node, pinned(node))
    # for an instant after it was started the kernel shows no command line yet
    eventually(lambda: find_running(pinned(node)))
    set_stage.cloud.start_dead(["ad-1"])
    assert set_stage.cloud.named("ad-1").pid == again.pid


def test_a_process_that_will_not_start_is_named(
    set_stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After the bound the unready ones are returned."""
    monkeypatch.setattr("chaos.cloud.READY_S_MAX", 0.3)
    broken = tmp_path / "broken"
    set_stage.node("ad-1", "--refuse-to-start", str(broken))
    set_stage.save()
    broken.touch()
    kill(set_stage, "ad-1")
    set_stage.cloud.start_dead(["ad-1"])
    assert set_stage.cloud.unready(["ad-1"], SystemClock()) == ("ad-1",)


def test_what_is_missing_is_named(set_stage: Stage, tmp_path: Path) -> None:
    """No file, no such process, no such endpoint: the error says which file and what was expected."""
    with pytest.raises(CloudError, match=r"absent\.json: expected a cloud state"):
        Cloud(tmp_path / "absent.json").state()
    set_stage.save()
    with pytest.raises(CloudError, match="expected a process ad-9"):
        set_stage.cloud.named("ad-9")
    with pytest.raises(CloudError, match="expected endpoint link"):
        set_stage.cloud.endpoint("link")


def test_a_lock_that_is_not_let_go_is_named_with_its_holder(
    set_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is started without it, and nobody waits for ever: the file, who has it, and the fix."""
    monkeypatch.setattr("chaos.cloud.LOCK_WAIT_S", 0.1)
    set_stage.node("ad-1")
    set_stage.save()
    kill(set_stage, "ad-1")
    expected = rf"state\.json\.lock: held by process {os.getpid()} for more than 0\.1 s.*fix:"
    with (
        file_lock(Path(f"{set_stage.path}.lock"), wait_s=0),
        pytest.raises(CloudError, match=expected),
    ):
        set_stage.cloud.start_dead(["ad-1"])
