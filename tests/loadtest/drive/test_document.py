"""A plan file: what can be run is read, what cannot is named by file, line, expectation and fix."""

import msgspec
import pytest

from contracts.drive import DrivePlan
from loadtest.drive.document import load_plan
from policy.problems import PolicyError
from tests.loadtest.drive.plans import GET, loaded_of, plan_of

ORDER = {
    "name": "order", "target": "web", "kind": "order", "method": "POST", "path": "/orders",
    "headers": {"Idempotency-Key": "${key}"}, "body": "{}",
}  # fmt: skip


def segment(**changes):
    return {"profile": [{"name": "s", "kind": "constant", "for_s": 1, "rate": 5, **changes}]}


def test_a_whole_plan_is_read_with_what_it_names():
    """Feeds and traces stand beside the plan; phases and duration follow from the profile."""
    plan = plan_of(
        feeds={"users": {"file": "u.csv"}, "slots": {"values": ["a", "b"], "order": "random"}},
        requests=[{**GET, "path": "/ads?u=${users.id}&s=${slots}&e=${canary.email}"}, ORDER],
        profile=[
            {"name": "up", "kind": "ramp", "for_s": 2, "rate": 1, "to": 9},
            {"name": "again", "kind": "trace", "for_s": 3, "file": "t.csv", "scale": 2},
        ],
    )
    loaded = loaded_of(plan, {"u.csv": b"id\n1\n", "t.csv": b"0,5\n"})
    assert loaded.duration_s == 5
    assert [(phase.name, phase.to) for phase in loaded.phases] == [("up", 9), ("again", 10)]
    assert loaded.feeds["users"].rows == ((b"1",),)
    assert loaded.feeds["slots"].random


def test_a_plan_as_json_is_the_same_plan():
    """The copy kept in a run's directory is read by the same code."""
    loaded = loaded_of(plan_of())
    again = load_plan(msgspec.json.encode(loaded.plan), "plan.json", lambda _: b"")
    assert again == loaded
    assert isinstance(again.plan, DrivePlan)


BAD = {
    "no requests": ({"requests": []}, "requests", "is empty"),
    "unknown key": ({"reqests": []}, "reqests", "unknown key"),
    "unknown target": ({"requests": [{**GET, "target": "wep"}]}, "requests[0].target", "wep"),
    "bad address": ({"targets": {"web": "host"}}, "targets.web", "no address"),
    "bad port": ({"targets": {"web": "host:70000"}}, "targets.web", "no address"),
    "two of a name": ({"requests": [GET, {**GET}]}, "requests[1].name", "twice"),
    "path": ({"requests": [{**GET, "path": "ads"}]}, "requests[0].path", "no request target"),
    "path with a space": ({"requests": [{**GET, "path": "/a b"}]}, "requests[0].path", "target"),
    "unknown place": ({"requests": [{**GET, "path": "/${x}"}]}, "requests[0].path", "${x}"),
    "unknown detector": (
        {"requests": [{**GET, "path": "/${canary.x}"}]}, "requests[0].path", "${canary.x}",
    ),
    "header name": ({"requests": [{**GET, "headers": {"a b": "c"}}]}, "requests[0].headers.a b", "name"),
    "our header": ({"requests": [{**GET, "headers": {"Host": "c"}}]}, "requests[0].headers.Host", "engine"),
    "header lines": ({"requests": [{**GET, "headers": {"A": "c\r\nd"}}]}, "requests[0].headers.A", "control"),
    "body of a GET": ({"requests": [{**GET, "body": "x"}]}, "requests[0].body", "GET with a body"),
    "status": ({"requests": [{**GET, "expect": [99]}]}, "requests[0].expect", "99"),
    "order by GET": ({"requests": [{**ORDER, "method": "GET", "body": ""}]}, "requests[0].method", "GET"),
    "order without key": ({"requests": [{**ORDER, "headers": {}}]}, "requests[0].headers", "key"),
    "weight": ({"requests": [{**GET, "weight": 0}]}, "requests[0].weight", "0"),
    "not a number": ({"requests": [{**GET, "weight": float("nan")}]}, "requests[0].weight", "is a number"),
    "workers": ({"workers": 0}, "workers", "range"),
    "share": ({"new_connections": 2}, "new_connections", "range"),
    "two phases of a name": (
        {"profile": [*segment()["profile"], *segment()["profile"]]}, "profile[1].name", "twice",
    ),
    "nothing to send": (segment(rate=0), "profile", "sends 0"),
    "too much to send": (segment(rate=1e6, for_s=8e4), "profile", "sends 8e+10"),
    "too long": (segment(rate=1, for_s=90_000), "profile", "lasts"),
    "ramp of nothing": (segment(kind="ramp", rate=0), "profile[0].rate", "0 to 0"),
    "to of a constant": (segment(to=3), "profile[0].to", "means nothing"),
    "rate of a trace": (segment(kind="trace", file="t.csv"), "profile[0].rate", "means nothing"),
    "trace without a file": (segment(kind="trace", rate=0), "profile[0]", "without a file"),
    "trace that is not there": (segment(kind="trace", rate=0, file="x"), "profile[0].file", "No such"),
    "trace that is none": (segment(kind="trace", rate=0, file="bad.csv"), "", "no points"),
    "spike beyond its end": (
        segment(kind="spike", to=9, at_s=0.5, width_s=1), "profile[0].width_s", "ends 1.5 s",
    ),
    "feed of nothing": ({"feeds": {"a": {}}}, "feeds.a", "neither"),
    "feed of both": ({"feeds": {"a": {"values": ["x"], "file": "y"}}}, "feeds.a", "values and a file"),
    "feed with lines": ({"feeds": {"a": {"values": ["x\ny"]}}}, "feeds.a.values[0]", "control"),
    "feed that is not there": ({"feeds": {"a": {"file": "x"}}}, "feeds.a.file", "No such"),
    "column that is not there": (
        {"feeds": {"a": {"file": "u.csv"}}, "requests": [{**GET, "path": "/${a.x}"}]},
        "requests[0].path", "${a.x}",
    ),
    "feed without its column": (
        {"feeds": {"a": {"file": "u.csv"}}, "requests": [{**GET, "path": "/${a}"}]},
        "requests[0].path", "${a}",
    ),
    "feed with a space in a path": (
        {"feeds": {"a": {"values": ["x", "y z"]}}, "requests": [{**GET, "path": "/${a}"}]},
        "requests[0].path", "value 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_plan_that_cannot_be_run_is_refused_where_it_is_wrong(name):
    """One problem, at the right path and a real line, saying what was expected and how to mend it."""
    changes, path, word = BAD[name]
    with pytest.raises(PolicyError) as caught:
        loaded_of(plan_of(**changes), {"u.csv": b"id\n1\n", "t.csv": b"0,1\n", "bad.csv": b""})
    problems = caught.value.problems
    assert len(problems) == 1, problems
    assert problems[0].path == path
    assert word in problems[0].message
    assert problems[0].line > 0
    assert problems[0].expected
    assert problems[0].fix


def test_every_fault_is_named_at_once():
    """One run of the command tells all that is wrong, in the order of the file."""
    plan = plan_of(targets={"web": "x"}, requests=[{**GET, "path": "a"}], **segment(to=2))
    with pytest.raises(PolicyError) as caught:
        loaded_of(plan)
    assert [it.path for it in caught.value.problems] == [
        "targets.web", "requests[0].path", "profile[0].to",
    ]  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"- a", b"a: [", b"\xff", b"a: &x 1\nb: *x\n"])
def test_what_is_no_plan_at_all_is_refused(data):
    """Nothing, a list, broken YAML, other encodings, aliases."""
    with pytest.raises(PolicyError):
        load_plan(data, "plan.yaml", lambda _: b"")
