"""`isthmus bridge`: run a link, ask it, or verify what it carried; the work stands in `sync`."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from contracts.bridge import BridgeStatus, BridgeVerify
from policy.problems import PolicyError
from runtime.control import ControlError, call_control
from sync.__main__ import main as run_bridge
from sync.reader import VerifyError
from sync.settings import SettingsError, load_settings
from sync.verify import plan_from_settings
from sync.verify import verify as verify_link

NEGATIVE, USAGE, ENVIRONMENT = 1, 2, 3

WAIT_S_MAX = 86_400.0
"""A day: whoever waits longer for a bridge to catch up waits for one that does not."""

bridge_app = typer.Typer(
    help="The Kafka bridge: run a link, ask it, verify it.", no_args_is_help=True
)
Settings = Annotated[Path, typer.Option("--settings", help="BridgeSettings, a JSON file.")]
Json = Annotated[bool, typer.Option("--json", help="The contract's keys as JSON.")]


@bridge_app.command()
def run(settings: Settings) -> None:
    """Run the link until SIGTERM or SIGINT.

    Example: isthmus bridge run --settings bridge.json
    """
    raise typer.Exit(run_bridge(["--settings", str(settings)]))


@bridge_app.command()
def status(settings: Settings, as_json: Json = False) -> None:  # noqa: FBT002  # typer's way to declare a flag
    """Ask the running bridge for its slices, lag and counts.

    Exit code 1 if a slice has failed, 3 if nobody answers.

    Example: isthmus bridge status --settings bridge.json --json
    """
    try:
        control = Path(load_settings(settings).control)
    except SettingsError as error:
        raise _fail(str(error), USAGE) from error
    try:
        told = msgspec.json.decode(call_control(control, "stats"), type=BridgeStatus)
    except ControlError as error:
        raise _fail(
            f"{error}; expected a running bridge to answer; fix: isthmus bridge run --settings {settings}",
            ENVIRONMENT,
        ) from error
    except msgspec.MsgspecError as error:
        raise _fail(
            f"{control}: no BridgeStatus: {error}; expected a bridge of this version; fix: restart it",
            ENVIRONMENT,
        ) from error
    if as_json:
        typer.echo(msgspec.json.encode(told))
    else:
        Console().print(_slices(told), _totals(told))
    if any(part.state == "failed" for part in told.slices):
        raise typer.Exit(NEGATIVE)


@bridge_app.command()
def verify(
    settings: Settings,
    since_ms: Annotated[
        int, typer.Option(help="Leave out records with an older timestamp (ms since 1970).")
    ] = 0,
    wait_s: Annotated[
        float, typer.Option(help="Seconds to wait for a bridge that is still catching up.")
    ] = 0.0,
    as_json: Json = False,  # noqa: FBT002  # typer's way to declare a flag
) -> None:
    """Compare source, target, dead letters and warehouse record by record.

    Exit code 1 if anything is lost, duplicated, reordered or altered, 3 if something cannot be read.

    Example: isthmus bridge verify --settings bridge.json --wait-s 10
    """
    if since_ms < 0 or not 0 <= wait_s <= WAIT_S_MAX:
        raise _fail(
            f"isthmus bridge verify: --since-ms {since_ms} --wait-s {wait_s:g}: "
            f"expected 0 or more milliseconds and 0 to {WAIT_S_MAX:g} seconds; fix: leave them out for 0",
            USAGE,
        )
    try:
        told = verify_link(plan_from_settings(settings, since_ms=since_ms), wait_s=wait_s)
    except (SettingsError, PolicyError) as error:
        raise _fail(str(error), USAGE) from error
    except VerifyError as error:
        raise _fail(
            f"{error}; expected both brokers and the warehouse to answer; "
            "fix: bring up what is named, then verify again",
            ENVIRONMENT,
        ) from error
    if as_json:
        typer.echo(msgspec.json.encode(told))
    else:
        Console().print(_topics(told), "exactly once" if told.ok else "NOT exactly once")
    if not told.ok:
        raise typer.Exit(NEGATIVE)


def _fail(message: str, code: int) -> typer.Exit:
    sys.stderr.write(f"{message}\n")
    return typer.Exit(code)


def _slices(told: BridgeStatus) -> Table:
    table = Table("slice", "partitions", "state", "records", "transactions", "lag", "reason")
    for part in told.slices:
        table.add_row(
            part.id,
            ",".join(map(str, part.partitions)),
            part.state,
            f"{part.committed_records:,}",
            f"{part.transactions:,}",
            f"{part.lag_records:,}",
            part.reason,
        )
    return table


def _totals(told: BridgeStatus) -> str:
    return (
        f"warehouse rows {told.warehouse_rows:,}, lag {told.warehouse_lag_records:,},"
        f" quarantined {told.quarantined:,}; dead letters {told.dead_letters:,}"
    )


def _topics(told: BridgeVerify) -> Table:
    names = (
        "source_records", "target_records", "dead_letters", "lost", "duplicate", "reordered",
        "altered", "warehouse_rows", "warehouse_lost", "warehouse_duplicate", "quarantined",
    )  # fmt: skip
    table = Table("topic", *[topic.topic for topic in told.topics])
    for name in names:
        table.add_row(
            name.replace("_", " "), *(f"{getattr(topic, name):,}" for topic in told.topics)
        )
    return table
