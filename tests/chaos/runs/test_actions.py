"""Twin of chaos/runs/actions.py: each action on a real stage; what is not proven raises."""

from collections.abc import Iterator, Mapping

import pytest

from chaos.faults import FaultError
from chaos.runs import actions
from chaos.runs.actions import ACTIONS
from chaos.runs.session import opened
from tests.chaos.stage import Stage


@pytest.fixture
def configuration(full_stage: Stage) -> Iterator[Mapping[str, object]]:
    with opened(full_stage.root / "run", full_stage.path, seed=3, ttl_s=60) as given:
        yield given


@pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    [
        ("kill_nodes", {"share": 0.4}, "node_kill"),
        ("stop_nodes", {"share": 0.4}, "process_stop"),
        ("kill_processes", {"role": "bridge", "site": "private"}, "process_kill"),
        ("cut_link", {}, "link_cut"),
        ("cut_one_way", {"direction": "down"}, "relay_fault"),
        ("slow_link", {"delay_ms": 20.0}, "relay_fault"),
        ("lossy_link", {"share": 1.0}, "relay_fault"),
        ("reset_link", {}, "relay_fault"),
        ("lose_answers", {"share": 0.5}, "response_drop"),
    ],
)
def test_an_action_injects_and_heal_undoes_it(
    full_stage: Stage,
    configuration: Mapping[str, object],
    name: str,
    arguments: dict[str, object],
    kind: str,
) -> None:
    """Its outcome is the fault's record, seed and proof included; `heal` names what it healed, once."""
    func = getattr(actions, name)
    outcome = func(configuration=configuration, **arguments)
    assert outcome["kind"] == kind
    assert outcome["proof"]
    healed = actions.heal(configuration)
    assert [it["id"] for it in healed] == [outcome["id"]]
    assert healed[0]["proven"]
    assert actions.heal(configuration) == []
    assert full_stage.all_run()


def test_a_refused_action_raises(configuration: Mapping[str, object]) -> None:
    """Chaos Toolkit calls what raises a failed activity; so do we."""
    with pytest.raises(FaultError, match="expected 9"):
        actions.kill_nodes(configuration, share=0.4, healthy_min=9)


def test_only_faults_are_marked_as_such() -> None:
    """Everything but `heal` injects, and says which site it hits."""
    harmless = {word for word, entry in ACTIONS.items() if not entry.is_fault}
    assert harmless == {"chaos.runs.actions.heal"}
    assert all(entry.site for entry in ACTIONS.values() if entry.is_fault)
    assert all(entry.func.__doc__ for entry in ACTIONS.values())
