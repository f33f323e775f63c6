"""`isthmus router`: run one router from its settings file."""

from pathlib import Path
from typing import Annotated

import typer

router_app = typer.Typer(
    help="The sensitivity router: judges each request and forwards it only where it may go.",
    no_args_is_help=True,
)


@router_app.callback()
def router() -> None:
    """The sensitivity router: judges each request and forwards it only where it may go."""


@router_app.command()
def run(
    settings: Annotated[
        Path, typer.Option("--settings", help="RouterSettings as JSON.", metavar="FILE")
    ],
) -> None:
    """Serve until SIGTERM; then drain. Exit 0, 2 for configuration, 3 for the environment.

    Example: isthmus router run --settings .isthmus/cloud/settings/router-core.json
    """
    # Imported here so that `isthmus --help` does not load a server.
    from router.run import run_router  # noqa: PLC0415

    raise typer.Exit(run_router(settings))
