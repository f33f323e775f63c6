"""What is missing, for which command, and how to get it."""

import io

import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.doctor import DoctorReport, Engine, of_toolchain, print_report
from cli.main import app
from toolchain.engines import Found


def shown(*engines: Engine) -> str:
    told = io.StringIO()
    unable = tuple(dict.fromkeys(c for it in engines if it.fix for c in it.needed_for))
    print_report(
        DoctorReport(engines=engines, unable=unable), Console(file=told, width=120, highlight=False)
    )
    return told.getvalue()


GOOD = Found(name="etcd", module="etcd", origin="cache", path="/c/etcd", version="3.7.3", expected=">= 3.5.13, < 4")  # fmt: skip
GONE = Found(name="kwok", module="kwok", origin="missing", expected=">= 0.8, < 0.9", refused="/bin/kwok is 0.1.0")  # fmt: skip


def test_a_missing_engine_names_the_command_it_stops_and_the_fix() -> None:
    """And what on PATH will not do, with the versions that would."""
    text = shown(of_toolchain(GOOD), of_toolchain(GONE))
    assert "cannot run: up dev, e2e" in text
    assert "fix: make toolchain  (kwok)" in text
    assert "/bin/kwok is 0.1.0, expected >= 0.8, < 0.9" in " ".join(text.split())


def test_with_everything_there_it_says_so() -> None:
    """One line at the end."""
    assert "every command can run" in shown(of_toolchain(GOOD))


def test_the_embedded_engines_of_this_environment_are_found() -> None:
    """Java and PostgreSQL come with the Python environment; the report is the contract's."""
    run = CliRunner().invoke(app, ["doctor", "--json"])
    report = msgspec.json.decode(run.stdout_bytes, type=DoctorReport)
    found = {it.name: it for it in report.engines}
    assert found["java"].origin == found["postgres"].origin == "python package"
    assert {"kafka", "etcd", "kube-apiserver", "pulumi", "nft"} <= set(found)
    assert "kube" not in found
    assert run.exit_code == (1 if report.unable else 0)
    assert set(report.unable) <= {"up dev", "e2e"}


@pytest.mark.parametrize("origin", ["path", "cache"])
def test_a_found_engine_stops_nothing(origin: str) -> None:
    """Wherever it comes from."""
    assert of_toolchain(msgspec.structs.replace(GOOD, origin=origin)).fix == ""
