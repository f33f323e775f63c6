"""Twin of cli/chaos.py."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from chaos.leases import Leases
from cli.chaos import Listed, chaos_app
from contracts.fault import Lease

runner = CliRunner()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs: one left a cut whose relay is gone, one has nothing open."""
    leases = Leases(tmp_path / "r1/leases")
    with leases.locked():
        leases.write(lease(str(tmp_path / "none.sock")))
    (tmp_path / "r2/leases").mkdir(parents=True)
    return tmp_path


def lease(target: str) -> Lease:
    return Lease(
        id="01-link_cut", kind="link_cut", targets=(target,), params={}, cloud="/none",
        runner_pid=1, runner_start_ticks=1, created_wall_s=0.0, expires_wall_s=1.0,
    )  # fmt: skip


def test_faults_in_force_are_listed(runs: Path) -> None:
    """By table, and by the contract's keys with --json; nothing in force is said."""
    shown = runner.invoke(chaos_app, ["list", "--runs", str(runs)])
    assert shown.exit_code == 0
    assert "01-link_cut" in shown.output
    told = runner.invoke(chaos_app, ["list", "--runs", str(runs), "--json"])
    assert msgspec.json.decode(told.output, type=Listed).faults[0].kind == "link_cut"
    assert "no fault" in runner.invoke(chaos_app, ["list", "--runs", str(runs / "r2")]).output


def test_experiments_are_listed_with_those_that_run_elsewhere(runs: Path) -> None:
    """Each by the name `run` takes, with its limit; what is not here says why."""
    shown = runner.invoke(chaos_app, ["list", "--runs", str(runs)])
    assert "kill-30-percent" in shown.output
    assert "not here: api-server-loss" in shown.output
    told = msgspec.json.decode(
        runner.invoke(chaos_app, ["list", "--runs", str(runs), "--json"]).output, type=Listed
    )
    assert {it.name for it in told.experiments} >= {"kill-30-percent", "link-cut"}
    assert all(it.rto_s and it.tiers == ("tier0",) for it in told.experiments)
    assert {it.name for it in told.elsewhere} >= {"disk-full"}


def test_heal_all_heals_and_forgets(runs: Path) -> None:
    """The lease is gone afterwards and a second heal finds none."""
    healed = runner.invoke(chaos_app, ["heal", "--all", "--runs", str(runs), "--json"])
    assert (healed.exit_code, json.loads(healed.output)["healed"]) == (0, ["01-link_cut"])
    assert Leases(runs / "r1/leases").open_leases() == ()
    assert (
        "none was in force"
        in runner.invoke(chaos_app, ["heal", "--all", "--runs", str(runs)]).output
    )


def test_heal_without_all_is_a_usage_error(runs: Path) -> None:
    """Exit 2, and what was expected."""
    refused = runner.invoke(chaos_app, ["heal", "--runs", str(runs)])
    assert refused.exit_code == 2
    assert "expected --all" in refused.stderr
    assert "fix: isthmus chaos heal --all" in refused.stderr


@pytest.mark.parametrize("command", [["list"], ["heal", "--all"]])
@pytest.mark.parametrize("name", ["none", "file"])
def test_a_place_without_runs_is_a_usage_error(
    tmp_path: Path, command: list[str], name: str
) -> None:
    """A mistyped directory is not the same as no fault in force."""
    (tmp_path / "file").touch()
    refused = runner.invoke(chaos_app, [*command, "--runs", str(tmp_path / name)])
    assert refused.exit_code == 2
    assert f"{name}: no such directory; expected" in refused.stderr
    assert "; fix: " in refused.stderr


def test_where_nothing_ever_ran_no_fault_is_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default directory need not exist."""
    monkeypatch.chdir(tmp_path)
    assert runner.invoke(chaos_app, ["list"]).exit_code == 0
    assert runner.invoke(chaos_app, ["heal", "--all"]).exit_code == 0


def test_a_fault_that_stays_exits_5(runs: Path) -> None:
    """An unreadable lease is named with its file by both commands."""
    (runs / "r2/leases/01-link_cut.json").write_bytes(b"{}")
    healed = runner.invoke(chaos_app, ["heal", "--all", "--runs", str(runs)])
    assert healed.exit_code == 5
    assert "01-link_cut.json" in healed.output
    assert runner.invoke(chaos_app, ["list", "--runs", str(runs)]).exit_code == 5


def test_a_control_socket_that_answers_wrongly_exits_5(runs: Path) -> None:
    """A listener that closes without a reply is not a heal; the lease stays."""
    sock = runs / "s.sock"
    server = subprocess.Popen(
        [sys.executable, "-S", "-c",
         "import socket,sys\ns=socket.socket(socket.AF_UNIX);s.bind(sys.argv[1]);s.listen()\nprint(flush=True)\n"
         "while 1:s.accept()[0].close()", str(sock)],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    with server:
        server.stdout.readline()
        leases = Leases(runs / "r1/leases")
        with leases.locked():
            leases.write(lease(str(sock)))
        assert runner.invoke(chaos_app, ["heal", "--all", "--runs", str(runs)]).exit_code == 5
        server.kill()
    assert leases.open_leases()
