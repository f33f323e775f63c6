"""Twin of chaos/runs/check.py: each rule beyond the grammar, by the file that breaks it."""

from pathlib import Path

import pytest

from chaos.runs.experiment import ExperimentError
from tests.chaos.runs.experiments import HEAL, changed, loaded

LOOK = "module: chaos.runs.looks, func: processes_run, arguments: {role: ads, site: public, share_min: 0.5}"
KILL = "module: chaos.runs.actions, func: kill_nodes, arguments: {share: 0.4}"

CASES = {
    "a probe that is no word": (changed((LOOK, "module: chaos.runs.looks, func: processes_runs")), 7, 'did you mean "chaos.runs.looks.processes_run"'),
    "a module that is not ours": (changed((LOOK, "module: os, func: getcwd")), 7, "os.getcwd is no word of ours"),
    "a safeguard that is no word": (changed(("share_min: 0.2", "share_mni: 0.2")), 15, 'did you mean "share_min"'),
    "an action as a probe": (changed((LOOK, KILL)), 7, "is an action; expected one of our probes"),
    "a probe as an action": (changed((KILL, LOOK)), 17, "is a probe; expected one of our actions"),
    "an argument of the wrong kind": (changed(("share: 0.4", "share: most")), 17, "Expected `float`"),
    "a missing argument": (changed(("role: ads, site: public, share_min: 0.5", "role: ads")), 7, 'argument "site" is missing'),
    "a role nobody has": (changed(("role: ads, site: public, share_min: 0.5", "role: adz, site: public")), 7, "adz"),
    "a tolerance of false": (changed(("tolerance: true, provider", "tolerance: false, provider")), 7, "is false"),
    "nothing injected": (changed((KILL, "module: chaos.runs.actions, func: heal")), 16, "injects nothing"),
    "nothing healed": (changed((HEAL, HEAL.replace("func: heal", "func: cut_link"))), 18, "heals nothing"),
    "another site": (changed((KILL, "module: chaos.runs.actions, func: kill_bridge")), 17, "hits private"),
    "a site by argument": (changed((KILL, "module: chaos.runs.actions, func: kill_processes, arguments: {role: kafka, site: private, share: 0.1}")), 17, "hits private"),
    "too large a share": (changed(("{share: 0.4}", "{share: 0.5}")), 17, "hits a share of 0.5; expected at most 0.4"),
    "too large a share by default": (changed((KILL, "module: chaos.runs.actions, func: kill_processes, arguments: {role: ads, site: public}")), 17, "hits a share of 1"),
    "a lease that ends too soon": (changed(("after: 0.5", "after: 60")), 25, "expected at least 70.2"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_each_rule_names_line_and_fix(tmp_path: Path, case: str) -> None:
    """What is wrong, on which line, what was expected, how to mend it."""
    text, line, expected = CASES[case]
    with pytest.raises(ExperimentError) as caught:
        loaded(tmp_path, text)
    said = [it for it in str(caught.value).splitlines() if expected in it]
    assert said, str(caught.value)
    assert f"fixture.yaml:{line}: " in said[0]
    assert "; fix: " in said[0]


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """Three mistakes, three lines, in the order of the file."""
    text = changed((LOOK, "module: os, func: getcwd"), ("{share: 0.4}", "{share: 0.5}"), ("ttl_s: 20", "ttl_s: 1"))  # fmt: skip
    with pytest.raises(ExperimentError) as caught:
        loaded(tmp_path, text)
    lines = [int(it.split(":")[1]) for it in str(caught.value).splitlines()]
    assert lines == [7, 17, 25]


def test_a_second_extension_is_refused(tmp_path: Path) -> None:
    """Ours is the only one we can play by."""
    tail = "".join(changed().partition("  - name: isthmus")[1:])
    with pytest.raises(ExperimentError, match="is a second one"):
        loaded(tmp_path, changed() + tail)
