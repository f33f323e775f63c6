"""Twin of chaos/inject/processes.py: real processes, killed or stopped, and whole again."""

import contextlib
from collections.abc import Iterator

import pytest

from chaos.asking import Question, ask
from chaos.cloud import http_address
from chaos.faults import FaultError, Faults, open_faults
from chaos.inject.processes import Aim, strike
from runtime.processes import is_running
from tests.chaos.stage import Stage, state_of

ADS = Aim(role="ads", site="public", share=0.4, healthy_min=2)


@pytest.fixture
def faults(full_stage: Stage) -> Iterator[Faults]:
    with contextlib.closing(
        open_faults(full_stage.root / "run", full_stage.path, seed=7)
    ) as opened:
        yield opened


def test_stopped_nodes_are_silent_and_go_on_when_healed(full_stage: Stage, faults: Faults) -> None:
    """Two of five are stopped, seen to accept and say nothing; healing continues them, once or often."""
    grey = strike(faults, "stop", ADS)
    assert grey.record.proven
    assert len(grey.record.targets) == 2
    victims = [full_stage.cloud.named(name) for name in grey.record.targets]
    assert {state_of(victim) for victim in victims} == {"T"}
    assert ask(http_address(victims[0]), Question(), timeout_s=0.1).end == "silent"
    pids = {victim.pid for victim in victims}
    grey.heal()
    grey.heal()
    assert {state_of(victim) for victim in victims} == {"S"}
    assert {full_stage.cloud.named(name).pid for name in grey.record.targets} == pids


def test_a_stopped_node_is_no_target_a_second_time(full_stage: Stage, faults: Faults) -> None:
    """Nobody is hit twice; when too few are whole the second strike is refused and says so."""
    first = strike(faults, "stop", ADS)
    second = strike(faults, "kill", ADS)
    assert not set(first.record.targets) & set(second.record.targets)
    with pytest.raises(FaultError, match="would stay healthy; expected 2"):
        strike(faults, "kill", ADS)
    faults.heal_all()
    assert full_stage.all_run()


def test_the_seed_repeats_the_draw(full_stage: Stage, faults: Faults) -> None:
    """Same population, same seed, same victims; the seed stands in the proof."""
    aim = Aim(role="ads", site="public", share=0.4, seed=11)
    drawn: list[tuple[str, ...]] = []
    for _ in range(2):
        fault = strike(faults, "stop", aim)
        assert "seed 11" in fault.record.proof
        drawn.append(fault.record.targets)
        fault.heal()
    assert drawn[0] == drawn[1]


def test_a_process_of_another_role_dies_alone(full_stage: Stage, faults: Faults) -> None:
    """The bridge is killed and started again; the nodes live."""
    killed = strike(faults, "kill", Aim(role="bridge"))
    bridge = full_stage.cloud.named("bridge")
    assert killed.record.proven
    assert not is_running(bridge.pid, bridge.start_ticks)
    killed.heal()
    assert full_stage.all_run()


def test_nobody_to_hit_is_a_failure(faults: Faults) -> None:
    """An empty target proves nothing."""
    with pytest.raises(FaultError, match="no target is running"):
        strike(faults, "kill", Aim(role="clicks"))
    assert faults.records() == ()
