"""`isthmus autoscale run`."""

from pathlib import Path

from typer.testing import CliRunner

from cli.main import app

RUN = ("autoscale", "run", "--settings")


def test_settings_that_cannot_be_used_are_refused_with_2(tmp_path: Path) -> None:
    """Missing, wrong, and a kubeconfig that is not there: each with its place."""
    runner = CliRunner()
    missing = runner.invoke(app, [*RUN, str(tmp_path / "none.json")])
    assert missing.exit_code == 2
    said = "none.json: cannot be read (No such file or directory); expected AutoscaleSettings"
    assert said in missing.output
    assert "fix:" in missing.output
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"pool": []}')
    assert runner.invoke(app, [*RUN, str(wrong)]).exit_code == 2
    nowhere = tmp_path / "nowhere.json"
    nowhere.write_text('{"kubeconfig": "/nowhere"}')
    found = runner.invoke(app, [*RUN, str(nowhere)])
    assert (found.exit_code, "expected credentials of a cluster" in found.output) == (2, True)
