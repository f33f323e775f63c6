"""An objective file: what can be judged by is read, what cannot is named by file, line, expectation and fix."""

import pytest
import yaml

from loadtest.gate.slo import FAULTS, fault_objective_name, load_slo
from policy.problems import PolicyError

GOOD = {"version": "isthmus/v1", "classes": {"public": {"availability": 0.999, "p99_ms": 250}}}


def loaded(**changes):
    return load_slo(yaml.safe_dump({**GOOD, **changes}, sort_keys=False).encode(), "slo.yaml")


def test_what_is_left_out_has_its_default():
    """The shortest file has the project's own limits for the generator."""
    slo = loaded()
    assert slo.generator.steal_share_max == 0.05
    assert slo.classes["public"].p99_ms == 250
    assert slo.require == ()


def test_a_full_file_is_read():
    """Every part of it."""
    slo = loaded(
        faults={"node-kill": {"rto_ms": 100}, "link_cut": {"failback_ms": 50}},
        require=["taps"], phases=["steady"], residence=["private"],
        capacity={"ads": {"replicas": 3}}, forecast={"ads": {"peak_rps": 5, "replicas": 4}},
        budget={"window_requests": 1e9}, generator={"cpu_share_max": 0.5},
    )  # fmt: skip
    assert slo.faults["node-kill"].rto_ms == 100
    assert slo.forecast["ads"].headroom == 0.2


BAD = {
    "no classes": ({"classes": {}}, "classes", "is empty"),
    "unknown class": ({"classes": {"privat": {}}}, "classes.privat", "no name"),
    "unknown fault": ({"faults": {"node-kil": {}}}, "faults.node-kil", "node-kil"),
    "one fault in two spellings": ({"faults": {"node-kill": {}, "node_kill": {}}}, "faults.node_kill", "there already"),
    "forecast without capacity": ({"forecast": {"ads": {"peak_rps": 1, "replicas": 1}}}, "forecast.ads", "no capacity"),
    "capacity of a class without limits": ({"capacity": {"o": {"replicas": 1, "traffic": "sensitive"}}}, "capacity.o.traffic", "no objective"),
    "fault of a class without limits": ({"faults": {"node-kill": {"traffic": "raised"}}}, "faults.node-kill.traffic", "no objective"),
    "availability of 99.9": ({"classes": {"public": {"availability": 99.9}}}, "classes.public.availability", "range"),
    "negative limit": ({"classes": {"public": {"p99_ms": -1}}}, "classes.public.p99_ms", "range"),
    "unknown proof": ({"require": ["tap"]}, "require[0]", "tap"),
    "unknown key": ({"clases": {}}, "clases", "unknown key"),
    "another version": ({"version": "v2"}, "version", "v2"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_used_is_refused_where_it_is_wrong(name):
    """One problem, at the right path and a real line, with expectation and fix."""
    changes, path, word = BAD[name]
    with pytest.raises(PolicyError) as caught:
        loaded(**changes)
    problem = caught.value.problems[0]
    assert len(caught.value.problems) == 1, caught.value.problems
    assert (problem.file, problem.path) == ("slo.yaml", path)
    assert word in problem.message
    assert problem.line > 0
    assert problem.expected
    assert problem.fix


def test_both_spellings_name_a_fault():
    """As the journal writes it, or with dashes."""
    assert fault_objective_name("node_kill") == "node-kill"
    assert "link-cut" in FAULTS
