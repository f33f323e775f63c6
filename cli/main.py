"""The command tree of `isthmus`; every command's work stands in the folder that owns it."""

import importlib.metadata
import signal
import sys
from types import FrameType

import typer

from cli.audit import audit_app
from cli.autoscale import autoscale_app
from cli.autoscale_forecast import forecast_command
from cli.autoscale_run import run as autoscale_run
from cli.autoscale_simulate import simulate_command
from cli.bridge import bridge_app
from cli.chaos import chaos_app
from cli.controls import controls
from cli.demo import demo
from cli.doctor import doctor
from cli.load import load_app
from cli.local import down, outputs, preview, refresh, status, up
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
app.command()(preview)
app.command()(refresh)
app.command()(down)
app.command()(outputs)
app.command()(status)
app.command()(doctor)
app.add_typer(policy_app, name="policy")
app.add_typer(router_app, name="router")
app.add_typer(bridge_app, name="bridge")
app.add_typer(chaos_app, name="chaos")
app.add_typer(audit_app, name="audit")
app.add_typer(autoscale_app, name="autoscale")
app.add_typer(load_app, name="load")
autoscale_app.command("run")(autoscale_run)
autoscale_app.command("simulate")(simulate_command)
autoscale_app.command("forecast")(forecast_command)


@app.command()
def version() -> None:
    """Print the version.

    Example: isthmus version
    """
    typer.echo(f"isthmus {importlib.metadata.version('isthmus')}")


class Interrupted(BaseException):
    """SIGINT or SIGTERM: whatever holds something lets go of it on the way out."""


def run() -> None:
    """Run the command line; a signal ends it with 4 once everything it held is gone.

    The signal is not a KeyboardInterrupt, which the command line library would turn into exit code 1.
    """
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _interrupt)
    try:
        app(prog_name="isthmus")
    except Interrupted:
        typer.echo("interrupted; nothing of it is left running", err=True)
        sys.exit(INTERRUPTED)


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)  # cleaning up takes seconds and must not be cut short
    raise Interrupted
