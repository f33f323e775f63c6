"""`isthmus up`, `down`, `status` of the cloud on one machine, told in one screen; other environments by Pulumi."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cli import environments
from contracts.cloud import CloudState
from local import cloud
from local.plan import AD_NODES, CloudOptions

OK, NEGATIVE, USAGE, ENVIRONMENT = 0, 1, 2, 3

LOCAL = "local"
EnvironmentName = Annotated[
    str,
    typer.Argument(
        metavar="ENV",
        help="`local`: both sites as processes on this machine; `dev`: as clusters on it; else an environment of Pulumi.",
    ),
]
PulumiEnvironment = Annotated[
    str, typer.Argument(metavar="ENV", help="`dev`, or another environment of Pulumi.")
]
Json = Annotated[bool, typer.Option("--json", help="The contract's keys as JSON.")]


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """`isthmus status --json`; `cloud` is null when nothing is up.

    `left_by` is the pid of a process that switched `without` off and is gone, else null.
    """

    schema: int = 1
    up: bool
    dead: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    left_by: int | None = None
    cloud: CloudState | None = None


def up(
    environment: EnvironmentName,
    *,
    ad_nodes: Annotated[int, typer.Option(help="Public ad nodes, 1 to 19.")] = AD_NODES,
    core_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the core router; 0: any free one.")
    ] = 0,
    edge_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the edge router; 0: any free one.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Bring the hybrid cloud up and leave it running.

    Exit: 0 up, 2 usage (one is up already, port taken), 3 something did not start, 4 interrupted.

    Example: isthmus up local
    """
    if environment != LOCAL:
        environments.act("up", environment, as_json=as_json)
    options = CloudOptions(keep=True, ad_nodes=ad_nodes, core_port=core_port, edge_port=edge_port)
    began_s = time.monotonic()
    with _failures("up local"), _progress("up local") as say:
        state = cloud.up(Path.cwd(), options, say)
    if as_json:
        _print_json(StatusReport(up=True, cloud=state))
        return
    _print_cloud(cloud.CloudStatus(state=state, dead=(), without=()))
    Console(highlight=False, soft_wrap=True).print(
        f"\nup in {time.monotonic() - began_s:.1f} s\n"
        f"  try     curl 'http://{state.endpoints['core']}/ads?slot=1'\n"
        "  end it  isthmus down local"
    )


def down(
    environment: EnvironmentName,
    *,
    confirm: Annotated[
        str, typer.Option(help="The environment's name again, where data would be lost.")
    ] = "",
    as_json: Json = False,
) -> None:
    """End the hybrid cloud and remove everything of it but its logs.

    Exit: 0 nothing is left, 1 partial, 2 usage (not confirmed, somebody else at work), 3 something could not be ended.

    Example: isthmus down local
    """
    if environment != LOCAL:
        environments.refuse_unconfirmed_down(environment, confirm)
        environments.act("down", environment, as_json=as_json)
    with _failures("down local"), _progress("down local") as say:
        say("ending processes")
        was_up = cloud.down(Path.cwd())
    if as_json:
        _print_json(StatusReport(up=False))
        return
    typer.echo("down: nothing of it is left" if was_up else "nothing was up")


def status(*, as_json: Json = False) -> None:
    """What is up on this machine, where it answers, and what of it has died.

    Exit: 0 up and whole, 1 nothing is up, a process is dead or a killed command left a mechanism off, 3 environment.

    Example: isthmus status
    """
    with _failures("status"):
        found = cloud.status(Path.cwd())
    if as_json:
        _print_json(
            StatusReport(up=False)
            if found is None
            else StatusReport(
                up=True,
                dead=found.dead,
                without=found.without,
                left_by=found.left_by,
                cloud=found.state,
            )
        )
    elif found is None:
        typer.echo("nothing is up. isthmus up local brings the hybrid cloud up")
    else:
        _print_cloud(found)
    whole = found is not None and not found.dead and found.left_by is None
    raise typer.Exit(OK if whole else NEGATIVE)


def preview(environment: PulumiEnvironment, *, as_json: Json = False) -> None:
    """Show what `isthmus up` would change, with the policy pack, and change nothing.

    Exit: 0 shown, 1 some stacks only, 2 usage, 3 no stack could be worked on.

    Example: isthmus preview dev
    """
    environments.act("preview", environment, as_json=as_json)


def refresh(environment: PulumiEnvironment, *, as_json: Json = False) -> None:
    """Compare what Pulumi remembers with what there is, and remember that.

    Exit: 0 as remembered, 1 drift or some stacks only, 2 usage, 3 no stack could be worked on.

    Example: isthmus refresh dev
    """
    environments.act("refresh", environment, as_json=as_json)


def outputs(environment: PulumiEnvironment, *, as_json: Json = False) -> None:
    """Show what the stacks export; secrets stay hidden.

    Exit: 0 shown, 2 usage, 3 environment.

    Example: isthmus outputs dev
    """
    environments.show_outputs(environment, as_json=as_json)


@contextmanager
def _failures(command: str) -> Generator[None]:
    """Errors as text and exit code."""
    try:
        yield
    except cloud.CloudUsageError as error:
        typer.echo(f"isthmus {command}: {error}", err=True)
        raise typer.Exit(USAGE) from error
    except cloud.CloudError as error:
        typer.echo(f"isthmus {command}: {error}", err=True)
        raise typer.Exit(ENVIRONMENT) from error


@contextmanager
def _progress(command: str) -> Generator[Callable[[str], None]]:
    """A spinner that says what is being done, where there is a terminal to show it."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _text: None
        return
    with console.status(f"{command} …") as spinner:
        yield lambda text: spinner.update(f"{command}: {text} …")


def _print_json(report: StatusReport) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


def _print_cloud(found: cloud.CloudStatus) -> None:
    console = Console(highlight=False)
    state, ends = found.state, found.state.endpoints
    console.print("[bold]Isthmus[/] · hybrid cloud on this machine")
    doors = Table.grid(padding=(0, 2))
    doors.add_row("  core", f"http://{ends['core']}", "every route: orders, profiles, ads, clicks")
    doors.add_row("  edge", f"http://{ends['edge']}", "public routes only: ads, clicks")
    console.print(doors)
    for site in ("public", "private"):
        console.print(f"  [bold]{site}[/]")
        rows = Table.grid(padding=(0, 2))
        for role, names in _by_role(state, site).items():
            alive = [name for name in names if name not in found.dead]
            dead = [name for name in names if name in found.dead]
            count = f"{len(alive)} of {len(names)}"
            gone = f"[red]dead: {', '.join(dead)}[/]" if dead else ""
            rows.add_row(f"    {role}", count, ", ".join(_short(alive)), gone)
        console.print(rows)
    if found.without:
        why = (
            "a negative control"
            if found.left_by is None
            else f"by process {found.left_by}, which is gone; fix: isthmus up local switches it on"
        )
        console.print(f"  [red]switched off: {', '.join(found.without)}[/] ({why})")
    console.print(f"  logs {state.root}/logs", style="dim")


def _by_role(state: CloudState, site: str) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {}
    for record in state.processes:
        if record.site == site:
            roles.setdefault(record.role, []).append(record.name)
    return roles


def _short(names: list[str]) -> list[str]:
    """Many names as first … last."""
    return names if len(names) <= 4 else [names[0], "…", names[-1]]
