"""A calendar as spreadsheets write it."""

import pytest

from autoscale.calendar_csv import rows_of
from autoscale.places import PromotionFileError

HEAD = "Name;START;end;timezone;workload;kind;expectedPeak;pool;addNodes;budget\n"
ROWS = (
    "sale;2026-11-11 00:00;2026-11-12 00:00;Asia/Shanghai;ads;;12000;ads;10;400\n"
    "\n"
    "sale;;;;clicks;Deployment;0.5;;;\n"
    "late;2026-12-12 00:00;2026-12-13 00:00;Asia/Shanghai;ads;;7;;;\n"
)


def said(text: str) -> list[str]:
    with pytest.raises(PromotionFileError) as caught:
        list(rows_of(text.encode(), "c.csv"))
    return [str(problem) for problem in caught.value.problems]


def test_rows_of_one_name_are_one_promotion() -> None:
    """Columns in any order and case; what a later row leaves empty is as in the first."""
    (first, source, line), (second, _, other) = rows_of((HEAD + ROWS).encode(), "c.csv")
    assert first == {
        "name": "sale", "start": "2026-11-11 00:00", "end": "2026-11-12 00:00",
        "timeZone": "Asia/Shanghai", "budget": {"nodeHours": 400},
        "workloads": [
            {"name": "ads", "ref": {"name": "ads"}, "expectedPeak": 12000, "pool": "ads"},
            {"name": "clicks", "ref": {"kind": "Deployment", "name": "clicks"}, "expectedPeak": 0.5},
        ],
        "nodes": [{"pool": "ads", "add": 10}],
    }  # fmt: skip
    assert (line, other) == (2, 5)
    assert (source.line("workloads[1].expectedPeak"), source.line("start")) == (4, 2)
    assert "nodes" not in second


def test_commas_separate_as_well() -> None:
    """Whichever the first line has more of."""
    text = (HEAD + ROWS).replace(";", ",")
    assert len(list(rows_of(text.encode(), "c.csv"))) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns name, start, end, workload, expectedPeak missing"),
        ("name;start;end;workload\n", "column expectedPeak missing"),
        (HEAD.replace("budget", "buget"), 'did you mean "budget"?'),
        (HEAD + "a;b\n", "c.csv:2: has 2 cells, the first line has 10"),
        (HEAD + ROWS.replace("12000", "12,000"), 'c.csv:2: expectedPeak: "12,000" is no number'),
        (HEAD + ROWS.replace("sale;;", "sale;2026-11-11 01:00;"), "c.csv:4: start"),
    ],
)
def test_each_fault_has_its_line(text: str, words: str) -> None:
    """Columns, cells, numbers, contradictions."""
    assert any(words in one for one in said(text))
