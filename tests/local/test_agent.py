"""The command: bad settings and machines are named before anything starts."""

import os
import sys

import msgspec
import pytest

from local.agent import main
from tests.local.agents import settings


def test_settings_that_are_none_exit_2(tmp_path, capsys) -> None:
    """File, place and expectation."""
    path = tmp_path / "settings.json"
    path.write_text('{"name": 1}')
    assert main(["--settings", str(path)]) == 2
    assert "settings.json" in capsys.readouterr().err
    assert main(["--settings", str(tmp_path / "none")]) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may make groups")
def test_without_root_it_exits_3(tmp_path, capsys) -> None:
    """The machine is at fault, not the settings."""
    path = tmp_path / "settings.json"
    path.write_bytes(msgspec.json.encode(settings(directory=str(tmp_path / "node"))))
    assert main(["--settings", str(path)]) == 3
    assert capsys.readouterr().err


def test_help_says_how_a_node_is_taken_away(capsys) -> None:
    """SIGTERM is not it."""
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "kill_node" in capsys.readouterr().out
    assert sys.flags.dev_mode in {True, False}
