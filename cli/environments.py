"""`isthmus up|preview|refresh|down|outputs ENV` for environments that Pulumi keeps: progress, summary, exit code."""

import datetime as dt
import os
import re
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from contracts.cluster import ClusterSpec
from infra.engine.environ import missing_programs
from infra.engine.holders import HeldError
from infra.engine.preflight import Given, Preflight, Problem
from infra.orchestrate import PARTS, Action, Part, Summary, carry_out, stack_name
from infra.workspace import Workspace, WorkspaceError, refuse_no_checkout
from local.clusters_ground import GroundError, require

USAGE, ENVIRONMENT = 2, 3
UNPROTECTED = frozenset({"dev"})
"""Environments that hold nothing to lose: made on this machine, from nothing, in seconds."""
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
Place = TypeVar("Place")
Done = TypeVar("Done")
COLOUR = {"ok": "green", "failed": "red", "skipped": "yellow"}


class OutputsReport(msgspec.Struct, frozen=True, kw_only=True):
    """`isthmus outputs ENV --json`; secrets read `[secret]`."""

    schema: int = 1
    environment: str
    stacks: dict[str, dict[str, object]]


def act(action: Action, environment: str, *, as_json: bool) -> None:
    """Do `action` on every stack of the environment, say what became of each, and exit with what that means."""
    with _opened(action, environment) as workspace:
        if action in {"up", "preview"}:
            given = dict(zip(PARTS, together(workspace.given, PARTS), strict=True))
            _refuse(action, environment, _preflight(environment).check(given))
        summary = carry_out(
            environment,
            action,
            lambda part: workspace.act(action, part),
            present=workspace.present(),
            together=together,
        )
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(summary)) + b"\n")
    else:
        print_summary(summary, Console(highlight=False))
    raise typer.Exit(summary.exit_code)


def together(work: Callable[[Place], Done], places: Sequence[Place]) -> list[Done]:
    """The work on every place at once; results in their order. An interruption does not wait for it."""
    pool = ThreadPoolExecutor(max_workers=len(PARTS))
    try:
        return list(pool.map(work, places))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def show_outputs(environment: str, *, as_json: bool) -> None:
    """What the stacks of the environment export."""
    with _opened("outputs", environment) as workspace:
        stacks = workspace.outputs()
    if as_json:
        report = OutputsReport(environment=environment, stacks=stacks)
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
        return
    if not stacks:
        typer.echo(f"{environment}: nothing is up. isthmus up {environment} brings it up")
    for stack, values in stacks.items():
        typer.echo(stack)
        for name, value in values.items():
            typer.echo(f"  {name}  {value}")


def refuse_unconfirmed_down(environment: str, confirmed: str) -> None:
    """Stop unless the name was repeated: what a private cluster holds does not come back."""
    _check_name("down", environment)
    if environment in UNPROTECTED or confirmed == environment:
        return
    typer.echo(
        f"isthmus down {environment}: destroys both clusters and what the private one holds; expected --confirm "
        f"{environment}. fix: isthmus preview {environment}, a backup, then isthmus down {environment} --confirm {environment}",
        err=True,
    )
    raise typer.Exit(USAGE)


def _check_name(command: str, environment: str) -> None:
    if _NAME.fullmatch(environment):
        return
    typer.echo(
        f"isthmus {command} {environment}: no such name; expected `local`, or up to 16 lower-case letters and "
        "digits, a letter first. fix: isthmus up dev",
        err=True,
    )
    raise typer.Exit(USAGE)


@contextmanager
def _opened(command: str, environment: str) -> Generator[Workspace]:
    """The workspace, held for us alone; errors as text and exit code."""
    _check_name(command, environment)
    with _failures(command, environment), _progress() as say:
        refuse_no_checkout(Path.cwd())
        _refuse_without_engine(command, environment)
        workspace = Workspace(Path.cwd(), environment, say=say)
        with workspace.held():
            yield workspace


@contextmanager
def _failures(command: str, environment: str) -> Generator[None]:
    try:
        yield
    except HeldError as error:
        typer.echo(f"isthmus {command} {environment}: {error}", err=True)
        raise typer.Exit(USAGE) from error
    except (WorkspaceError, OSError) as error:
        typer.echo(f"isthmus {command} {environment}: {error}", err=True)
        raise typer.Exit(ENVIRONMENT) from error


def _preflight(environment: str) -> Preflight:
    return Preflight(environment, Path.cwd(), now=dt.datetime.now(dt.UTC), lacks=_lacks)


def _lacks(spec: ClusterSpec) -> tuple[str, ...]:
    """What this machine lacks for a cluster of its own."""
    try:
        require(spec, Path.cwd())
    except GroundError as error:
        return tuple(str(error).splitlines())
    return ()


def _refuse(command: str, environment: str, problems: Iterable[Problem], hint: str = "") -> None:
    """Stop with everything that is wrong, before anything is changed."""
    found = tuple(problems)
    if not found:
        return
    typer.echo(f"isthmus {command} {environment}: nothing was changed. In the way:", err=True)
    for it in found:
        typer.echo(f"  {it.text}", err=True)
    if hint:
        typer.echo(hint, err=True)
    raise typer.Exit(USAGE if any(it.configured for it in found) else ENVIRONMENT)


def _refuse_without_engine(command: str, environment: str) -> None:
    """A fresh checkout: everything that is missing at once, and what runs without any of it."""
    missing = missing_programs(Path.cwd(), os.environ)
    if not missing:
        return
    problems = [
        Problem(
            text=f"{', '.join(missing)}: neither on PATH nor in .isthmus/bin; expected Pulumi's engine there. "
            "fix: make toolchain (20 minutes, once), or install pulumi and its Kubernetes provider",
            configured=False,
        )
    ]
    files = [Path.cwd() / f"Pulumi.{stack_name(environment, part)}.yaml" for part in PARTS]
    here = command == "up" and not any(it.exists() for it in files)
    if here:
        # nobody configured another driver: the clusters would be made on this machine
        given: dict[Part, Given] = {part: Given(values={}) for part in PARTS}
        problems += _preflight(environment).check(given)
    hint = "Without engines and without root: isthmus up local, the same two sites as processes."
    _refuse(command, environment, problems, hint if here else "")


@contextmanager
def _progress() -> Generator[Callable[[str], None]]:
    """A spinner on a terminal, lines in a log."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda text: typer.echo(text, err=True)
        return
    with console.status("…") as spinner:
        yield lambda text: spinner.update(f"{text} …")


def print_summary(summary: Summary, console: Console) -> None:
    """One row a stack, then what went wrong with each."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for name in ("stack", summary.action, "resources", "s"):
        table.add_column(name, no_wrap=True)
    for it in summary.stacks:
        told = ", ".join(f"{count} {operation}" for operation, count in sorted(it.changes.items()))
        table.add_row(
            it.stack, f"[{COLOUR[it.status]}]{it.status}[/]", told, f"{it.duration_s:.1f}"
        )
    if summary.stacks:
        console.print(table)
    else:
        console.print(f"{summary.environment}: nothing is up")
    for it in summary.stacks:
        for line in it.error.splitlines():
            console.print(f"  [{COLOUR[it.status]}]{it.stack}[/]  {line}", soft_wrap=True)
        if it.note:
            console.print(f"  [yellow]{it.stack}[/]  {it.note}", soft_wrap=True)
    if summary.partial:
        console.print(
            f"[yellow]partial[/]: what is listed ok stands. fix the rest, then isthmus {summary.action} {summary.environment} again",
            soft_wrap=True,
        )
    if summary.drift:
        console.print("[yellow]drift[/]: the clouds were not as Pulumi had left them; isthmus up heals it", soft_wrap=True)  # fmt: skip
