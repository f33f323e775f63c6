"""Twin of chaos/runs/grammar.py."""

from pathlib import Path

import msgspec

from tests.chaos.runs.experiments import loaded


def test_the_experiment_goes_to_chaos_toolkit_as_it_stood_in_the_file(tmp_path: Path) -> None:
    """Its own keys have their own names, and what was left out stays out."""
    experiment = loaded(tmp_path).experiment
    plain = msgspec.json.decode(msgspec.json.encode(experiment), type=dict[str, object])
    assert list(plain) == [
        "version", "title", "description", "steady-state-hypothesis", "controls", "method",
        "rollbacks", "extensions",
    ]  # fmt: skip
    assert plain["rollbacks"] == [
        {
            "type": "action",
            "name": "heal",
            "provider": {"type": "python", "module": "chaos.runs.actions", "func": "heal"},
        }
    ]
    assert experiment.own.rto_s == 0.4
