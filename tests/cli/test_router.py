"""`isthmus router`."""

from pathlib import Path

from typer.testing import CliRunner

from cli.router import router_app


def test_help_shows_an_example() -> None:
    """A reader can copy a whole command."""
    shown = CliRunner().invoke(router_app, ["run", "--help"])
    assert shown.exit_code == 0
    assert "isthmus router run --settings" in shown.output


def test_a_missing_settings_file_is_exit_2(tmp_path: Path) -> None:
    """Usage, said in one line."""
    ran = CliRunner().invoke(router_app, ["run", "--settings", str(tmp_path / "none.json")])
    assert ran.exit_code == 2
    assert "fix: name an existing file" in ran.stderr
