"""Fixture experiments: one good one for the stage of fault tests, and changes to it that spoil one thing each."""

from pathlib import Path

from chaos.runs.actions import ACTIONS
from chaos.runs.experiment import Loaded, load
from chaos.runs.looks import LOOKS
from tests.chaos.runs.words import WORDS

VOCABULARY = {**ACTIONS, **LOOKS, **WORDS}

GOOD = """\
version: 1.0.0
title: Two of five nodes die
description: For tests.
steady-state-hypothesis:
  title: Enough nodes run
  probes:
    - {type: probe, name: enough nodes run, tolerance: true, provider: {type: python, module: chaos.runs.looks, func: processes_run, arguments: {role: ads, site: public, share_min: 0.5}}}
controls:
  - name: safeguards
    provider:
      type: python
      module: chaosaddons.controls.safeguards
      arguments:
        probes:
          - {type: probe, name: a node runs, tolerance: true, frequency: 0.1, provider: {type: python, module: chaos.runs.looks, func: processes_run, arguments: {role: ads, site: public, share_min: 0.2}}}
method:
  - {type: action, name: kill two, provider: {type: python, module: chaos.runs.actions, func: kill_nodes, arguments: {share: 0.4}}, pauses: {before: 0.2, after: 0.5}}
rollbacks:
  - {type: action, name: heal, provider: {type: python, module: chaos.runs.actions, func: heal}}
extensions:
  - name: isthmus
    tiers: [tier0]
    blast_radius: {sites: [public], share_max: 0.4}
    rto_s: 0.4
    ttl_s: 20
    restored_within_s: 5
"""
HEAL = "  - {type: action, name: heal, provider: {type: python, module: chaos.runs.actions, func: heal}}\n"
WORD = "  - {{type: action, name: {name}, provider: {{type: python, module: tests.chaos.runs.words, func: {name}}}, pauses: {{after: {after}}}}}\n"


def word(name: str, *, after: float = 0.0) -> str:
    """A step of the fixtures' own vocabulary."""
    return WORD.format(name=name, after=after)


def changed(*pairs: tuple[str, str]) -> str:
    """The good experiment with texts replaced; each must be there."""
    text = GOOD
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def loaded(folder: Path, text: str = GOOD, name: str = "fixture") -> Loaded:
    """The experiment read from a file in `folder`, with the fixtures' vocabulary."""
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return load(path, VOCABULARY)
