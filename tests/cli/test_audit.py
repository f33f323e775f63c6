"""`isthmus audit`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.audit import audit_app
from router.evidence import EvidenceWriter


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    writer = EvidenceWriter(tmp_path, "w0", wall_ns=lambda: 1)
    writer.record("raised", policy="p", route="ads", site="private", status=200)
    writer.close()
    return tmp_path


def test_whole_evidence_is_exit_0(evidence: Path) -> None:
    """A table for people."""
    ran = CliRunner().invoke(audit_app, ["verify", str(evidence)])
    assert ran.exit_code == 0
    assert "chain whole" in ran.output


def test_json_is_the_contract(evidence: Path) -> None:
    """Programs get an AuditReport."""
    ran = CliRunner().invoke(audit_app, ["verify", str(evidence), "--json"])
    assert json.loads(ran.output)["by_kind"] == {"raised": 1}


def test_an_edit_is_exit_1_and_named(evidence: Path) -> None:
    """A negative verdict, with file and record."""
    (path,) = evidence.iterdir()
    path.write_bytes(path.read_bytes().replace(b"private", b"publicc"))
    ran = CliRunner().invoke(audit_app, ["verify", str(evidence)])
    assert ran.exit_code == 1
    assert f"{path.name}:1: link" in ran.output.replace("\n", "")


def test_no_directory_is_exit_2(tmp_path: Path) -> None:
    """Usage."""
    assert CliRunner().invoke(audit_app, ["verify", str(tmp_path / "none")]).exit_code == 2


def test_help_shows_an_example() -> None:
    """A reader can copy a whole command."""
    assert "isthmus audit verify" in CliRunner().invoke(audit_app, ["verify", "--help"]).output
