"""`isthmus autoscale forecast` reads a history, judges itself, and says what is wrong with its input."""

import datetime as dt
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.autoscale_forecast import forecast_command

APP = typer.Typer()
APP.command()(forecast_command)
START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


def run(*words: object) -> Result:
    return CliRunner().invoke(APP, [str(word) for word in words])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Twelve noons of x3, the thirteenth to come."""
    trace, calendar = tmp_path / "shop.csv", tmp_path / "events.csv"
    minutes = [
        f"{(START + dt.timedelta(minutes=at)).isoformat()},{15_000 if at > 1440 and 720 <= at % 1440 < 780 else 5000}"
        for at in range(13 * 1440 + 700)
    ]
    starts = [START + dt.timedelta(days=day, hours=12) for day in range(1, 14)]
    trace.write_text("\n".join(minutes))
    calendar.write_text(
        "start,end\n" + "\n".join(f"{at.isoformat()},{(at + dt.timedelta(hours=1)).isoformat()}" for at in starts)
    )  # fmt: skip
    return trace, calendar


def test_the_next_event_is_forecast_and_the_past_judged(files: tuple[Path, Path]) -> None:
    """JSON: one coming event near 15,000, twelve judged."""
    done = run("--trace", files[0], "--calendar", files[1], "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["accuracy"]["events"] == 12
    assert [one["method"] for one in report["coming"]] == ["conformal"]
    assert report["coming"][0]["likely"] == pytest.approx(15_000, rel=0.15)
    assert report["coming"][0]["planned"] >= report["coming"][0]["likely"]


def test_people_get_a_table(files: tuple[Path, Path]) -> None:
    """The same in words."""
    done = run("--trace", files[0], "--calendar", files[1])
    assert done.exit_code == 0, done.output
    assert "12 events judged" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "give one of --trace"),
        (("--prometheus", "http://127.0.0.1:1"), 2, "--prometheus needs --query"),
        (("--warehouse", "env:ISTHMUS_NO_SUCH"), 2, "variable that is set"),
        (("--prometheus", "http://127.0.0.1:1", "--query", "up"), 3, "is Prometheus there"),
        (("--trace", "/nonexistent.csv"), 2, "/nonexistent.csv"),
    ],
)
def test_what_cannot_be_read_is_told(
    files: tuple[Path, Path], words: tuple[str, ...], code: int, says: str
) -> None:
    """2 for wrong use, 3 for a place that does not answer."""
    done = run("--calendar", files[1], *words)
    assert done.exit_code == code
    assert says in done.stderr
