"""`isthmus audit`: is the evidence of a router whole?"""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from contracts.evidence import AuditReport
from router.audit import AuditError, verify

NEGATIVE = 1
USAGE = 2

audit_app = typer.Typer(
    help="Evidence: what the routers decided, and whether the record of it is whole.",
    no_args_is_help=True,
)


@audit_app.callback()
def audit() -> None:
    """Evidence: what the routers decided, and whether the record of it is whole."""


@audit_app.command("verify")
def verify_command(
    directory: Annotated[
        Path, typer.Argument(help="A router's evidence directory.", metavar="DIR")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print an AuditReport.")] = False,
) -> None:
    """Recompute every chain; exit 0 when whole, 1 when edited, cut or with a gap, 2 without a directory.

    Example: isthmus audit verify .isthmus/cloud/evidence-core
    """
    try:
        report = verify(directory)
    except AuditError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(USAGE) from error
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _show(report)
    raise typer.Exit(0 if report.chain_ok else NEGATIVE)


def _show(report: AuditReport) -> None:
    table = Table("decision", "records")
    for kind, count in report.by_kind.items():
        table.add_row(kind, f"{count:,}")
    console = Console()
    console.print(table)
    torn = f", {report.torn} torn at the end" if report.torn else ""
    verdict = "whole" if report.chain_ok else "BROKEN"
    console.print(f"{report.files} files, {report.records:,} decisions{torn}: chain {verdict}")
    for line in report.broken:
        console.print(f"  {line}", markup=False)
