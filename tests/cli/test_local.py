"""`isthmus up local`, `down local`, `status` as a user meets them."""

from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from cli.local import StatusReport, down, status, up
from contracts.cloud import CloudState
from local.cloud import CloudStatus

APP = typer.Typer()
APP.command()(up)
APP.command()(down)
APP.command()(status)
RUN = CliRunner()


def test_nothing_up_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 1 and the command to run; `down` of nothing is no error; nothing is written."""
    monkeypatch.chdir(tmp_path)
    found = RUN.invoke(APP, ["status"])
    assert (found.exit_code, found.output.count("isthmus up local")) == (1, 1)
    assert RUN.invoke(APP, ["down", "local"]).exit_code == 0
    told = RUN.invoke(APP, ["status", "--json"])
    assert msgspec.json.decode(told.stdout, type=StatusReport) == StatusReport(up=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["up", "down"])
def test_a_name_of_no_environment_is_a_usage_error(command: str) -> None:
    """Exit 2; what was given, what is expected, how to fix it."""
    result = RUN.invoke(APP, [command, "Mars"])
    assert result.exit_code == 2
    assert f"isthmus {command} Mars: no such name; expected `local`" in result.output


@pytest.mark.parametrize("nodes", ["0", "20"])
def test_too_many_nodes_are_refused(
    nodes: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each node has an address of its own; there are 19."""
    monkeypatch.chdir(checkout)
    result = RUN.invoke(APP, ["up", "local", "--ad-nodes", nodes])
    assert result.exit_code == 2
    assert f"--ad-nodes {nodes}: expected 1 to 19" in result.output
    assert "fix: " in result.output


@pytest.mark.engines
@pytest.mark.cloud
def test_status_of_a_running_cloud(cloud_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One screen: doors, sites, counts; as JSON the whole state; a second `up` exits 2."""
    monkeypatch.chdir(cloud_root)
    found = RUN.invoke(APP, ["status"])
    assert found.exit_code == 0
    for words in ("core", "edge", "ads     10 of 10", "postgres"):
        assert words in found.output
    told = msgspec.json.decode(RUN.invoke(APP, ["status", "--json"]).stdout, type=StatusReport)
    assert told.up
    assert told.cloud is not None
    assert len(told.cloud.processes) == 23
    again = RUN.invoke(APP, ["up", "local"])
    assert again.exit_code == 2
    assert "already up" in again.output


@pytest.mark.parametrize(
    ("left_by", "code", "said"),
    [
        (4_194_999, 1, "by process 4194999, which is gone; fix: isthmus up local"),
        (None, 0, "control"),
    ],
)
def test_a_mechanism_a_killed_command_left_off_is_a_negative_status(
    monkeypatch: pytest.MonkeyPatch, left_by: int | None, code: int, said: str
) -> None:
    """Exit 1, who it was and what switches it on again; a control under way is none of that."""
    state = CloudState(
        id="x", root="/r", temporary="/t", owner_pid=1, owner_start_ticks=1, keep=True, policy="",
        topology="", endpoints={"core": "127.0.2.30:1", "edge": "127.0.1.30:1"}, processes=(),
    )  # fmt: skip
    found = CloudStatus(state=state, dead=(), without=("scan",), left_by=left_by)
    monkeypatch.setattr("cli.local.cloud.status", lambda _root: found)
    told = RUN.invoke(APP, ["status"])
    assert told.exit_code == code
    assert said in " ".join(told.output.split())
    report = RUN.invoke(APP, ["status", "--json"])
    assert report.exit_code == code
    assert msgspec.json.decode(report.stdout, type=StatusReport).left_by == left_by


@pytest.mark.parametrize("command", [["up"], ["down"], ["status"]])
def test_help_shows_an_example(command: list[str]) -> None:
    """Every command's help ends with one."""
    result = RUN.invoke(APP, [*command, "--help"])
    assert result.exit_code == 0
    assert "Example: isthmus" in result.output
