"""`isthmus autoscale plan` and `promotions`."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.autoscale import autoscale_app

FILE = """\
apiVersion: isthmus.dev/v1alpha1
kind: Promotion
metadata: {name: singles-day, namespace: shop}
spec:
  start: 2030-11-11T00:00:00+08:00
  end: 2030-11-12T00:00:00+08:00
  timeZone: Asia/Shanghai
  mode: Auto
  lead: 24h
  workloads:
  - {name: ads, ref: {name: ad-service}, expectedPeak: 12000, capacityPerReplica: 85, pool: ads}
  nodes: [{pool: ads, add: 10}]
"""


@pytest.fixture
def promo(tmp_path: Path) -> Path:
    path = tmp_path / "promo.yaml"
    path.write_text(FILE)
    return path


def run(*words: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(autoscale_app, [str(word) for word in words], input=stdin)


def test_a_plan_that_fits_is_told_and_ends_with_0(promo: Path) -> None:
    """When it begins, what it adds, what it costs; in the promotion's own time zone."""
    done = run(
        "plan", "-f", promo, "--pool", "ads=3/13", "--replicas", "ad-service=4", "--price", "0.5"
    )
    assert done.exit_code == 0, done.output
    for words in (
        "singles-day  Auto  2030-11-11 00:00 to 2030-11-12 00:00 Asia/Shanghai",
        "2030-11-10 00:00 (24h ahead)", "10 nodes of ads, 167 replicas of ad-service", "node-hours = ",
        "It fits. Nothing was applied.",
    ):  # fmt: skip
        assert words in done.stdout


def test_a_pool_too_small_ends_with_1(promo: Path) -> None:
    """Years ahead: how many are short, and what to do."""
    done = run("plan", "-f", promo, "--pool", "ads=3/7", "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    (condition,) = report["promotions"][0]["conditions"]
    assert (condition["type"], condition["shortfall"]) == ("Infeasible", 6)
    assert not report["ok"]


def test_now_is_an_option(promo: Path) -> None:
    """Half way through: what is left of it."""
    done = run("plan", "-f", promo, "--now", "2030-11-11T12:00:00+08:00", "--json")
    hours = json.loads(done.stdout)["hours"]
    assert hours[0]["begins"] == "2030-11-11T04:00:00Z"


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (("12000", "-5"), (), "promo.yaml:11: spec.workloads[0].expectedPeak"),
        (("2030-11-12", "2030-11-10"), (), "promo.yaml:6: spec.end: end is not after start"),
        (("", ""), ("--pool", "ads"), "--pool ads: no name; expected NAME=N/MAX"),
        (("", ""), ("--pool", "ads=x"), "'x' is no count"),
        (("", ""), ("--replicas", "adservice=4"), 'did you mean "ad-service"?'),
        (("", ""), ("--node-start", "soon"), "is no duration"),
        (("", ""), ("--now", "noon"), "is no time"),
        (("", ""), ("-f", "/nowhere.yaml"), "/nowhere.yaml: No such file"),
    ],
)
def test_what_is_wrong_ends_with_2_and_is_named(
    promo: Path, change: tuple[str, str], options: tuple[str, ...], words: str
) -> None:
    """File and line, or the option; on the error stream, with what was expected."""
    promo.write_text(FILE.replace(*change))
    done = run("plan", "-f", promo, *options)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_the_same_promotion_twice_is_refused(promo: Path, tmp_path: Path) -> None:
    """In two files."""
    (tmp_path / "again.yaml").write_text(FILE)
    done = run("plan", "-f", promo, "-f", tmp_path / "again.yaml")
    assert done.exit_code == 2
    assert "shop/singles-day stands in another file too" in done.stderr


def test_a_calendar_becomes_objects_for_kubectl(tmp_path: Path) -> None:
    """From a file or from stdin; as YAML, or as one JSON list; read back by the same command."""
    text = "name,start,end,timeZone,workload,expectedPeak\na,2030-11-11 00:00,2030-11-12 00:00,Asia/Shanghai,ads,5\n"
    path = tmp_path / "c.csv"
    path.write_text(text)
    done = run("promotions", "-f", path)
    (found,) = yaml.safe_load_all(done.stdout)
    assert found["spec"]["start"] == "2030-11-11T00:00:00+08:00"
    again = run("promotions", "-f", "-", "--json", stdin=done.stdout)
    assert json.loads(again.stdout)["items"] == [found]
    path.write_text("nonsense\n")
    assert run("promotions", "-f", path).exit_code == 2
    nowhere = run("promotions", "-f", "/nowhere.csv")
    assert (nowhere.exit_code, "/nowhere.csv: No such file" in nowhere.stderr) == (2, True)
