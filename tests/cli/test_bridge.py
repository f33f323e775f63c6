"""`isthmus bridge`: exit codes, JSON in the contract's keys, and errors that say what to mend."""

import re

import msgspec
import pytest
from typer.testing import CliRunner

from cli.bridge import bridge_app
from contracts.bridge import BridgeStatus, BridgeVerify
from sync.verify import plan_from_settings, verify
from tests.sync.lab import Lab, click, wait_for
from tests.sync.process import BridgeProcess


@pytest.fixture
def call():
    runner = CliRunner()
    return lambda *args: runner.invoke(bridge_app, [str(arg) for arg in args])


@pytest.mark.parametrize("command", ["run", "status", "verify"])
def test_help_has_an_example(call, command) -> None:
    """Every command's help shows one call of it."""
    told = call(command, "--help")
    assert told.exit_code == 0
    assert f"isthmus bridge {command}" in " ".join(told.output.split())


@pytest.mark.parametrize("command", ["run", "status", "verify"])
@pytest.mark.parametrize("content", [b"{}", b"", b"\x00\xff", b"[1", None])
def test_bad_settings_exit_2(call, command, content, tmp_path) -> None:
    """A settings file that cannot be used, or is none: file, place, expectation, fix; exit code 2."""
    path = tmp_path / "bridge.json"
    if content is not None:
        path.write_bytes(content)
    told = call(command, "--settings", path)
    assert told.exit_code == 2
    assert re.search(r"bridge\.json: ?.*; expected .*; fix: ", told.stderr)
    assert "Traceback" not in told.output


def test_nobody_answers_exit_3(call, tmp_path) -> None:
    """Without a bridge behind the socket the status is an environment error."""
    path = tmp_path / "bridge.json"
    fields = {"name": "b", "link": "l", "site": "s", "policy": "p", "topology": "t", "ready": "r",
              "control": str(tmp_path / "absent.sock")}  # fmt: skip
    path.write_bytes(msgspec.json.encode(fields))
    told = call("status", "--settings", path)
    assert told.exit_code == 3
    assert re.search("absent.sock.*; expected a running bridge.*; fix: ", told.stderr)


@pytest.mark.parametrize("words", [["--wait-s", "-1"], ["--wait-s", "nan"], ["--since-ms", "-1"]])
def test_times_that_cannot_be_exit_2(call, words, tmp_path) -> None:
    """Refused before anything is read."""
    told = call("verify", "--settings", tmp_path / "none.json", *words)
    assert told.exit_code == 2
    assert words[0] in told.stderr
    assert "; fix: " in told.stderr


@pytest.mark.engines
def test_a_running_bridge_is_asked_and_verified(call, kafka_broker) -> None:
    """Status and verify answer in the contract's keys, and the verdict is the exit code."""
    lab = Lab(kafka_broker.bootstrap)
    bridge = BridgeProcess(lab, slices_max=1)
    try:
        lab.create()
        lab.send([click(n) for n in range(6)])
        bridge.start()
        wait_for(lambda: bridge.status().slices[0].committed_records == 6, "all records")
        status = call("status", "--settings", bridge.settings, "--json")
        assert status.exit_code == 0
        assert msgspec.json.decode(status.output, type=BridgeStatus).link == lab.name
        assert "running" in call("status", "--settings", bridge.settings).output
        good = call("verify", "--settings", bridge.settings, "--json")
        assert good.exit_code == 0
        assert msgspec.json.decode(good.output, type=BridgeVerify).ok
        lab.send([b"stranger"], topic=lab.target)
        bad = call("verify", "--settings", bridge.settings)
        assert bad.exit_code == 1
        assert "NOT exactly once" in bad.output
        assert not verify(plan_from_settings(bridge.settings)).ok
    finally:
        bridge.close()
        lab.close()
