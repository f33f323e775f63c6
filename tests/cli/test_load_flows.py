"""`isthmus load flows`: what is refused, what is told, and the exit code of each verdict."""

import json

import pytest
from typer.testing import CliRunner

from cli.load import USAGE, load_app
from tests.loadtest.threads import paying, shop_in_thread

RUNNER = CliRunner()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["flows", "http://h", "--stage", "10"], "expected SECONDS:USERS"),
        (["flows", "h:80", "--stage", "1:1"], "expected http://HOST:PORT"),
    ],
)
def test_shoppers_without_a_place_or_a_time_are_refused(words, said):
    """Exit 2, before any process is started."""
    done = RUNNER.invoke(load_app, words)
    assert done.exit_code == USAGE
    assert said in done.stderr


def test_shoppers_are_sent_and_their_steps_are_told(tmp_path):
    """The verdict's exit code, the contract's keys, every step of the journey."""
    with shop_in_thread() as (shop, address):
        shop.before = paying
        words = [
            "flows",
            f"http://{address}",
            "--stage",
            "3:3",
            "--pacing-s",
            "0.5",
            "--out",
            str(tmp_path),
            "--json",
        ]
        done = RUNNER.invoke(load_app, words)
    report = json.loads(done.stdout)
    assert done.exit_code == {"GO": 0, "NO-GO": 1, "INVALID": 3}[report["verdict"]]
    assert report["steps"]["pay"]["failed"] == 0
    assert report["journeys"] > 0
