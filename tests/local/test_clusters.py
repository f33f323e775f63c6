"""The command: what it refuses before anything is touched, and what it says of what is not there."""

import io
import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from contracts.cluster import ClusterSpec, ClusterState, NodePool
from local.clusters import ENVIRONMENT, USAGE, main
from local.clusters_block import Block
from local.clusters_state import ClusterFiles, Record

POOL = NodePool(name="ads", nodes=3, runtime="kwok", traffic_class="public")
SPEC = ClusterSpec(environment="dev", site="public", pools=(POOL,))


class Stdin:
    def __init__(self, text: bytes) -> None:
        self.buffer = io.BytesIO(text)


def run(
    monkeypatch: pytest.MonkeyPatch, operation: str, root: Path, *, text: bytes | None = None
) -> int:
    given = msgspec.json.encode(SPEC) if text is None else text
    monkeypatch.setattr(sys, "stdin", Stdin(given))
    return main([operation, "--root", str(root)])


@pytest.mark.parametrize("operation", ["apply", "read", "delete"])
def test_a_spec_that_does_not_read_is_refused_with_2(
    operation: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Place and fix on stderr, nothing on stdout, nothing on disk."""
    assert run(monkeypatch, operation, tmp_path, text=b'{"environment":"dev"}') == USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert "fix: " in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("operation", ["apply", "delete"])
def test_without_root_nothing_begins(
    operation: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Exit 3, who it is and the fix; not even a directory is made."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert run(monkeypatch, operation, tmp_path) == ENVIRONMENT
    assert "is not root" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_operation_is_refused_with_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The choices are named."""
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, "destroy", tmp_path)
    assert caught.value.code == USAGE
    assert "apply" in capsys.readouterr().err


def test_what_does_not_exist_is_read_as_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No cluster: not ready, no names, no identifier; and looking made nothing."""
    assert run(monkeypatch, "read", tmp_path) == 0
    state = msgspec.json.decode(capsys.readouterr().out, type=ClusterState)
    assert (state.ready, state.identifier, state.kubeconfig, state.nodes) == (False, "", "", {})
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_that_is_down_keeps_its_identity(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a restart of the machine it is the same cluster, not ready: nothing is to be replaced."""
    files = ClusterFiles(tmp_path, "dev", "public")
    files.make()
    files.write_block(Block(base=96, id="1a2b"))
    files.write_record(Record(identifier="isthmus-dev-public-00", spec=SPEC, formed=True))
    assert run(monkeypatch, "read", tmp_path) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["ready"], state["identifier"]) == (False, "isthmus-dev-public-00")
    assert state["nodes"] == {"ads": 0}
    assert state["endpoint"] == "https://10.96.0.2:6443"
    assert (state["pod_network"], state["peer_pod_network"]) == ("10.97.0.0/16", "10.98.0.0/16")
