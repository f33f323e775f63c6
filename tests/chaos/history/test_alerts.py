"""chaos/history/alerts.yaml: the rules ask only for what the exposition has."""

import re
from pathlib import Path

import yaml

from chaos.history.metrics import exposition
from contracts.chaos import ChaosHistory

RULES = Path(__file__).parents[3] / "chaos/history/alerts.yaml"


def test_every_alert_asks_for_a_metric_that_exists_and_says_what_to_do() -> None:
    """A misspelt metric would be an alert that never fires."""
    told = exposition(ChaosHistory(score=0.0, experiments=(), runs=()), faults_in_force=0)
    known = set(re.findall(r"^# TYPE (\S+)", told, re.MULTILINE))
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    assert len(rules) == 3
    for rule in rules:
        assert set(re.findall(r"isthmus_\w+", rule["expr"])) <= known
        assert "isthmus chaos" in rule["annotations"]["fix"]
