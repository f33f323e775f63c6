"""Probes: thresholds, the startup gate, when to ask."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.agent_parts import Exec, Probe
from local.agent_probe import (
    Health,
    begin,
    due_probes,
    is_ready,
    is_started,
    probe_of,
    record,
    sick_of,
)
from tests.local.agents import container

PROBE = Probe(exec=Exec(command=("x",)), period_seconds=2, failure_threshold=3)
ALL = container(startup_probe=PROBE, liveness_probe=PROBE, readiness_probe=PROBE)


def test_a_container_without_probes_is_ready_at_once() -> None:
    """As Kubernetes has it."""
    health = begin(container(), 5.0)
    assert (is_started(health), is_ready(health), sick_of(health)) == (True, True, None)
    assert due_probes(health, 1e9) == ()


def test_readiness_starts_false_and_liveness_does_not_kill_before_it_failed() -> None:
    """An unknown readiness gets no traffic, an unknown liveness no restart."""
    health = begin(container(readiness_probe=PROBE, liveness_probe=PROBE), 5.0)
    assert not is_ready(health)
    assert sick_of(health) is None


def test_the_startup_probe_gates_the_others() -> None:
    """Nothing else is asked until it has passed; then everything is."""
    health = begin(ALL, 0.0)
    assert due_probes(health, 0.0) == ("startup",)
    health = record(health, "startup", PROBE, ok=True, now_s=1.0)
    assert is_started(health)
    assert not is_ready(health)
    assert due_probes(health, 1.0) == ("liveness", "readiness")


@pytest.mark.parametrize("kind", ["startup", "liveness"])
def test_the_threshold_makes_it_sick(kind) -> None:
    """Two failures are none; the third restarts the container."""
    health = begin(ALL, 0.0)
    if kind == "liveness":
        health = record(health, "startup", PROBE, ok=True, now_s=0.0)
    for now_s in (1.0, 3.0):
        health = record(health, kind, PROBE, ok=False, now_s=now_s)
        assert sick_of(health) is None
    health = record(health, kind, PROBE, ok=False, now_s=5.0)
    assert sick_of(health) == kind


def test_one_success_between_starts_the_count_anew() -> None:
    """Failures count in a row."""
    health = begin(container(liveness_probe=PROBE), 0.0)
    for ok in (False, False, True, False, False):
        health = record(health, "liveness", PROBE, ok=ok, now_s=0.0)
    assert sick_of(health) is None


def test_initial_delay_and_period_say_when() -> None:
    """First after the delay, then a period after each answer."""
    slow = msgspec.structs.replace(PROBE, initial_delay_seconds=7)
    health = begin(container(readiness_probe=slow), 10.0)
    assert due_probes(health, 16.9) == ()
    assert due_probes(health, 17.0) == ("readiness",)
    health = record(health, "readiness", slow, ok=True, now_s=17.5)
    assert due_probes(health, 19.4) == ()
    assert due_probes(health, 19.5) == ("readiness",)


def test_an_adopted_container_stays_ready_until_its_probe_fails() -> None:
    """An agent that comes back takes no traffic away."""
    health = begin(ALL, 0.0, adopted=True)
    assert is_ready(health)
    for _ in range(3):
        health = record(health, "readiness", PROBE, ok=False, now_s=0.0)
    assert not is_ready(health)


def test_an_answer_about_a_probe_that_is_not_there_changes_nothing() -> None:
    """A pod is immutable in this, but a late answer may come."""
    health = Health()
    for kind in ("startup", "liveness", "readiness"):
        assert record(health, kind, PROBE, ok=False, now_s=0.0) == health
        assert probe_of(container(), kind) is None


@given(answers=st.lists(st.booleans(), max_size=40), up=st.integers(1, 4), down=st.integers(1, 4))
def test_readiness_follows_runs_of_answers(answers, up, down) -> None:
    """The verdict is that of the last run long enough, else what it was (at first: no)."""
    probe = Probe(success_threshold=up, failure_threshold=down)
    health, ready, run, last = begin(container(readiness_probe=probe), 0.0), False, 0, None
    for answer in answers:
        run = run + 1 if answer == last else 1
        last = answer
        ready = answer if run >= (up if answer else down) else ready
        health = record(health, "readiness", probe, ok=answer, now_s=0.0)
        assert is_ready(health) is ready
