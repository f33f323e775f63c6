"""The command tree of `isthmus`; every command's work stands in the folder that owns it."""

import importlib.metadata
import sys

import click
import typer

from cli.audit import audit_app
from cli.bridge import bridge_app
from cli.chaos import chaos_app
from cli.controls import controls
from cli.demo import demo
from cli.local import down, status, up
from cli.policy import policy_app
from cli.router import router_app

INTERRUPTED = 4

app = typer.Typer(
    name="isthmus",
    help="Hybrid-cloud routing: a sensitive byte never reaches the public cloud, the rest fails over.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(demo)
app.command()(controls)
app.command()(up)
app.command()(down)
app.command()(status)
app.add_typer(policy_app, name="policy")
app.add_typer(router_app, name="router")
app.add_typer(bridge_app, name="bridge")
app.add_typer(chaos_app, name="chaos")
app.add_typer(audit_app, name="audit")


@app.command()
def version() -> None:
    """Print the version.

    Example: isthmus version
    """
    typer.echo(f"isthmus {importlib.metadata.version('isthmus')}")


def run() -> None:
    """Run the command line; an interrupt exits 4, a usage error 2."""
    command = typer.main.get_command(app)
    try:
        code = command.main(prog_name="isthmus", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)
