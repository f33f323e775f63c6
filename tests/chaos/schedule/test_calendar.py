"""Twin of chaos/schedule/calendar.py."""

from pathlib import Path

import pytest

from chaos.schedule.calendar import CalendarError, load_calendar, moment

GOOD = """\
version: isthmus/v1
zone: Asia/Shanghai
windows:
  - {days: [mon, tue], start: "09:00", end: "16:00"}
freezes:
  - {name: double11, start: "2026-11-01T00:00:00+08:00", end: "2026-11-13T00:00:00+08:00"}
budget: {objective: 0.999, left_min: 0.2}
schedule:
  - {experiment: kill-30-percent, cron: "0 10 * * mon-fri"}
"""


def test_a_calendar_is_read(tmp_path: Path) -> None:
    """Every part has its value."""
    path = tmp_path / "chaos.yaml"
    path.write_text(GOOD)
    calendar = load_calendar(path)
    assert calendar.windows[0].days == ("mon", "tue")
    assert calendar.freezes[0].name == "double11"
    assert calendar.budget.left_min == 0.2
    assert str(calendar.tz) == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("Asia/Shanghai", "Mars/Base", 2, "a name like Asia/Shanghai"),
        ('end: "16:00"', 'end: "08:00"', 4, "a later time"),
        ('start: "09:00"', 'start: "9 am"', 4, 'a time like "09:30"'),
        ("2026-11-13T00:00:00+08:00", "2026-11-13", 6, "RFC 3339"),
        ("2026-11-13T00:00:00+08:00", "2026-10-13T00:00:00+08:00", 6, "a later moment"),
        ("left_min", "left_mni", 7, 'did you mean "left_min"'),
        ("mon-fri", "mon-fry", 9, "five-field cron"),
        ("cron:", "corn:", 9, 'did you mean "cron"'),
    ],
)
def test_a_bad_calendar_names_line_and_fix(
    tmp_path: Path, old: str, new: str, line: int, expected: str
) -> None:
    """File, line, expectation and fix, as for every file of ours."""
    path = tmp_path / "chaos.yaml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(CalendarError) as caught:
        load_calendar(path)
    text = str(caught.value)
    assert f"chaos.yaml:{line}: " in text
    assert expected in text
    assert "fix: " in text


def test_a_calendar_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A named file has to exist."""
    with pytest.raises(CalendarError, match=r"absent\.yaml: No such file"):
        load_calendar(tmp_path / "absent.yaml")


def test_a_moment_needs_its_offset() -> None:
    """Local time without a zone is nobody's."""
    assert moment("2026-11-25T10:00:00+08:00") is not None
    assert moment("2026-11-25T10:00:00") is None
    assert moment("soon") is None
