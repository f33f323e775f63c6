"""`isthmus autoscale simulate` reads files, says what is wrong with them, and answers as asked."""

import datetime as dt
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.autoscale_simulate import simulate_command

APP = typer.Typer()
APP.command()(simulate_command)
START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


def run(*words: object) -> Result:
    return CliRunner().invoke(APP, [str(word) for word in words])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    minutes = [
        f"{(START + dt.timedelta(minutes=at)).isoformat()},{60_000 if 900 <= at < 960 else 20_000}"
        for at in range(1440)
    ]
    trace, calendar = tmp_path / "shop.csv", tmp_path / "events.csv"
    trace.write_text("minute,count\n" + "\n".join(minutes))
    calendar.write_text(
        "start,end,type\n2026-01-05T15:00:00+00:00,2026-01-05T16:00:00+00:00,flash\n"
    )
    return trace, calendar


def test_policies_are_compared_on_files(files: tuple[Path, Path], tmp_path: Path) -> None:
    """JSON has a result per policy with every figure, and the report is written."""
    trace, calendar = files
    report = tmp_path / "report.html"
    done = run(
        "--trace", trace, "--calendar", calendar, "--policy", "isthmus", "--policy", "hpa",
        "--seed", 3, "--html", report, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    results = json.loads(done.stdout)
    assert [one["policy"] for one in results] == ["isthmus", "hpa"]
    assert {one["trace"] for one in results} == {"shop"}
    assert {one["seed"] for one in results} == {3}
    ours, alone = (one["score"] for one in results)
    assert ours["bad_minutes"] < alone["bad_minutes"]
    assert report.read_text().startswith("<!doctype html>")


def test_the_shipped_shop_needs_no_file() -> None:
    """Without a trace the synthetic one runs; the table names the policy."""
    done = run("--policy", "hpa", "--days", 1)
    assert done.exit_code == 0, done.output
    assert "hpa" in done.stdout


def test_steps_and_noise_change_the_run(files: tuple[Path, Path]) -> None:
    """A step over each event makes it worse for the plain autoscaler."""
    trace, calendar = files
    words = ("--trace", trace, "--calendar", calendar, "--policy", "hpa", "--json")
    plain, stepped = json.loads(run(*words).stdout), json.loads(run(*words, "--steps").stdout)
    noisy = json.loads(run(*words, "--noise").stdout)
    assert stepped[0]["score"]["bad_minutes"] > plain[0]["score"]["bad_minutes"]
    assert noisy[0]["score"] != plain[0]["score"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--policy", "magic"), "magic: no such policy"),
        (("--calendar", "x.csv"), "--calendar needs --trace"),
        (("--trace", "/nonexistent.csv"), "/nonexistent.csv: cannot be read (No such file"),
        (("--policy", "hpa", "--days", "1", "--html", "/nonexistent/r.html"), "can be written"),
    ],
)
def test_wrong_use_is_refused_with_2(words: tuple[str, ...], says: str) -> None:
    """The message names what is wrong and what to do."""
    done = run(*words)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_bad_line_is_named(files: tuple[Path, Path]) -> None:
    """File and line stand in the message."""
    trace, calendar = files
    calendar.write_text("start,end\n2026-01-05T15:00:00+00:00,2026-01-05T14:00:00+00:00\n")
    done = run("--trace", trace, "--calendar", calendar)
    assert done.exit_code == 2
    assert f"{calendar}:2" in done.stderr
