"""`isthmus autoscale run`: the controller of promotions, from its settings file."""

from pathlib import Path
from typing import Annotated

import typer


def run(
    settings: Annotated[
        Path, typer.Option("--settings", help="AutoscaleSettings as JSON.", metavar="FILE")
    ],
) -> None:
    """Keep promotions until SIGTERM. Exit 0, 2 for configuration, 3 when the lease is lost.

    Example: isthmus autoscale run --settings autoscale.json
    """
    # Imported here so that `isthmus --help` does not load a Kubernetes client.
    from autoscale.__main__ import main  # noqa: PLC0415

    raise typer.Exit(main(["--settings", str(settings)]))
