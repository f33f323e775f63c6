"""What is wrong, in words."""

from typing import Any

import pytest

from autoscale.wording import Source, converted, timed
from contracts.promotion import PromotionSpec

SOURCE = Source("f.yaml", len, "spec.")
GOOD: dict[str, Any] = {
    "start": "2026-11-11T00:00:00+08:00", "end": "2026-11-12T00:00:00+08:00",
    "workloads": [{"name": "ads", "ref": {"name": "ads"}, "expectedPeak": 1}],
}  # fmt: skip


def ads(**changes: object) -> dict[str, object]:
    return {"workloads": [GOOD["workloads"][0] | changes]}


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"mode": "Automatic"}, "mode", '"Automatic" is not known; expected Approve or Auto or Observe'),
        ({"lead": "soon"}, "lead", "expected auto, or a duration such as 30m or 24h"),
        ({"modee": "Auto"}, "modee", 'did you mean "mode"?'),
        ({"workloads": []}, "workloads", "a list of length >= 1"),
        ({"workloads": {}}, "workloads", "is a map; expected a list"),
        (ads(expectedPeak=-4), "workloads[0].expectedPeak", "expected a number > 0"),
        (ads(expectedPeak="12,000"), "workloads[0].expectedPeak", "is text; expected a number"),
        (ads(expectedPeek=1), "workloads[0].expectedPeek", 'did you mean "expectedPeak"?'),
        (ads(ref={"kind": "Pod", "name": "x"}), "workloads[0].ref.kind", "expected Deployment or"),
        (ads(ref={"name": "Foo Bar"}), "workloads[0].ref.name", "a name of lower-case letters"),
        (ads(ref={}), "workloads[0].ref", 'key "name" is missing'),
        (ads(replicasPerNode=1.5), "workloads[0].replicasPerNode", "is a number; expected a whole number"),
    ],
)  # fmt: skip
def test_each_fault_has_place_expectation_and_fix(
    changes: dict[str, object], path: str, words: str
) -> None:
    """In the contract's words, not the library's."""
    value, (problem,) = converted(GOOD | changes, PromotionSpec, SOURCE)
    assert value is None
    assert (problem.path, problem.line) == (f"spec.{path}", len(f"spec.{path}"))
    assert words in str(problem)
    assert "`" not in str(problem)


def test_what_is_right_is_read() -> None:
    """With nothing to say."""
    value, problems = converted(GOOD, PromotionSpec, SOURCE)
    assert value is not None
    assert problems == []


def test_times_are_read_in_their_zone() -> None:
    """Both of them; what is no text is left to the types; what is no time is a fault of its own."""
    spec, problems = timed({"start": "2026-11-11 00:00", "end": 5}, SOURCE, "Asia/Shanghai")
    assert (spec, problems) == ({"start": "2026-11-11T00:00:00+08:00", "end": 5}, [])
    _, problems = timed({"start": "soon", "end": "later"}, SOURCE, None)
    assert [one.path for one in problems] == ["spec.start", "spec.end"]


def test_a_place_under_a_place() -> None:
    """Paths and lines are those of the file."""
    problem = SOURCE.under("a.").problem("b", "m", expected="e", fix="f")
    assert (problem.path, problem.line) == ("spec.a.b", 8)
    assert SOURCE.problem("", "m", expected="e", fix="f").path == "spec"
