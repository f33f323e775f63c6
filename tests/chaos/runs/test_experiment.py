"""Twin of chaos/runs/experiment.py: what ships is usable, what is not says where and why."""

from pathlib import Path

import pytest

from chaos.runs.actions import ACTIONS
from chaos.runs.experiment import ExperimentError, built_in, find, load
from chaos.runs.looks import LOOKS
from tests.chaos.runs.experiments import GOOD, loaded

WORDS = {**ACTIONS, **LOOKS}
EXPECTED = {
    "bridge-kill", "broker-loss-private", "broker-loss-public", "grey-nodes", "kill-30-percent",
    "link-cut", "one-way-cut", "policy-swap-under-fault", "rolling-kills", "router-crash",
    "slow-public-site", "warehouse-down",
}  # fmt: skip


def test_every_shipped_experiment_is_usable() -> None:
    """Each file is read with the vocabulary of the command, and none is missing."""
    assert {load(path, WORDS).name for path in built_in()} == EXPECTED


@pytest.mark.parametrize("path", built_in(), ids=lambda path: path.stem)
def test_every_shipped_experiment_is_bounded(path: Path) -> None:
    """Safeguards, a rollback that heals, an end by itself, a time by which it must be restored, words on Tier 1."""
    experiment = load(path, WORDS).experiment
    assert experiment.controls[0].provider.arguments.probes
    assert [step.provider.func for step in experiment.rollbacks] == ["heal"]
    assert experiment.own.ttl_s <= 120
    assert experiment.own.rto_s <= 2.5
    assert "tier1" in experiment.own.notes
    assert any("orders" in probe.name for probe in experiment.hypothesis.probes)


def test_a_name_or_a_path_is_found(tmp_path: Path) -> None:
    """A name is one of ours, a path is a path; a mistyped name gets the nearest."""
    assert find("link-cut").name == "link-cut.yaml"
    assert find(str(tmp_path / "own.yaml")) == tmp_path / "own.yaml"
    with pytest.raises(ExperimentError, match='did you mean "link-cut"'):
        find("link-cutt")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("a: [", "is not YAML"),
        (GOOD.replace("version: 1.0.0", "version: 2.0.0"), ":1: version"),
        (GOOD.replace("title: Two", "titel: Two"), 'did you mean "title"'),
        (GOOD.replace("rto_s: 0.4", "rto_s: -1"), ":24: extensions[0].rto_s"),
        (
            GOOD.replace("tolerance: true, provider", "tolerance: 1, provider"),
            "expected true or false",
        ),
    ],
)
def test_what_the_grammar_refuses_has_its_line(tmp_path: Path, text: str, expected: str) -> None:
    """File, line, expectation, fix; nothing is read half."""
    with pytest.raises(ExperimentError) as caught:
        loaded(tmp_path, text)
    assert "fixture.yaml" in str(caught.value)
    assert expected in str(caught.value)
    assert "fix: " in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Which file, and what to name instead."""
    with pytest.raises(ExperimentError, match=r"absent\.yaml: No such file.*fix: "):
        load(tmp_path / "absent.yaml", WORDS)
