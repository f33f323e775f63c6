"""`isthmus chaos inject`: one fault for a while, healed when its time is up, on Ctrl-C, or by the watchdog."""

import contextlib
import time
import uuid
from pathlib import Path
from typing import Annotated, Literal, assert_never

import msgspec
import typer

from chaos.cloud import Cloud, CloudError
from chaos.faults import Fault, FaultError, Faults, NotHealedError, open_faults
from chaos.inject.links import LinkTrouble, trouble
from chaos.inject.processes import Aim, strike
from cli.chaos_run import HOME, Home, Json
from contracts.cloud import Role
from contracts.fault import FaultRecord
from runtime.locks import LockHeldError, file_lock

NEGATIVE, USAGE, ENVIRONMENT, NOT_HEALED = 1, 2, 3, 5
GRACE_S = 30.0
"""Added to the fault's time for its lease: the runner heals first, the watchdog only if it cannot."""

What = Literal["kill", "stop", "cut", "link"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The fault that was asked for."""

    what: What
    aim: Aim
    link: LinkTrouble
    relay: str


def inject(  # noqa: PLR0913 - a command line: one parameter per option
    what: Annotated[
        What, typer.Argument(help="kill or stop processes, cut the link, or trouble it.")
    ],
    *,
    hold_s: Annotated[float, typer.Option("--for", min=0.1, max=3600, help="Seconds.")] = 10.0,
    role: Annotated[Role, typer.Option(help="kill, stop: which processes.")] = "ads",
    site: Annotated[Literal["public", "private"], typer.Option(help="kill, stop.")] = "public",
    share: Annotated[float, typer.Option(help="kill, stop: of those that run.")] = 0.3,
    healthy_min: Annotated[int, typer.Option(help="kill, stop: how many must stay whole.")] = 1,
    listeners: Annotated[str, typer.Option(help="link: a pattern, like ad-*.")] = "*",
    direction: Annotated[Literal["both", "up", "down"], typer.Option(help="link.")] = "both",
    delay_ms: Annotated[float, typer.Option(help="link: each way.")] = 0.0,
    jitter_ms: Annotated[float, typer.Option(help="link.")] = 0.0,
    rate_bytes_s: Annotated[int, typer.Option(help="link: bandwidth.")] = 0,
    hole: Annotated[bool, typer.Option("--hole", help="link: nothing passes that way.")] = False,
    drop_share: Annotated[float, typer.Option(help="link: new connections that hang.")] = 0.0,
    reset: Annotated[bool, typer.Option("--reset", help="link: every connection ends.")] = False,
    relay: Annotated[Literal["link", "tap"], typer.Option(help="link: which relay.")] = "link",
    seed: Annotated[int | None, typer.Option(help="Repeat an earlier draw.")] = None,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Inject one fault, prove it, hold it, heal it, prove that.

    Exit: 0 proven and healed, 1 not seen to take effect, 2 usage, 3 no cloud or no target, 5 not healed.

    Example: isthmus chaos inject stop --share 0.3 --for 20
    """
    wanted = Wanted(
        what=what,
        aim=Aim(role=role, site=site, share=share, healthy_min=healthy_min, seed=seed),
        link=LinkTrouble(
            listeners=listeners, direction=direction, delay_ms=delay_ms, jitter_ms=jitter_ms,
            rate_bytes_s=rate_bytes_s, hole=hole, drop_share=drop_share, reset=reset,
        ),
        relay=f"{relay}.control",
    )  # fmt: skip
    if what == "link" and wanted.link == LinkTrouble(listeners=listeners, direction=direction):
        typer.echo(
            "isthmus chaos inject link: nothing asked for; expected --delay-ms, --jitter-ms, "
            "--rate-bytes-s, --hole, --drop-share or --reset; fix: name one",
            err=True,
        )
        raise typer.Exit(USAGE)
    record = _hold(wanted, home, hold_s=hold_s)
    if as_json:
        typer.echo(msgspec.json.encode(record))
    raise typer.Exit(0 if record.proven else NEGATIVE)


def _hold(wanted: Wanted, home: Path, *, hold_s: float) -> FaultRecord:
    try:
        cloud = Cloud((home / "cloud" / "state.json").resolve())
        cloud.state()
        with file_lock(home / "run.lock", wait_s=0):
            return _play(wanted, cloud.path, home / "runs", hold_s=hold_s)
    except NotHealedError as error:
        typer.echo(f"isthmus chaos inject: not healed: {error}; the watchdog goes on", err=True)
        raise typer.Exit(NOT_HEALED) from error
    except (CloudError, FaultError, LockHeldError) as error:
        typer.echo(f"isthmus chaos inject: {error}", err=True)
        raise typer.Exit(ENVIRONMENT) from error


def _play(wanted: Wanted, cloud: Path, runs: Path, *, hold_s: float) -> FaultRecord:
    folder = runs / f"inject-{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
    seed = uuid.uuid4().int % (1 << 31)
    with contextlib.closing(open_faults(folder, cloud, seed=seed)) as faults:
        fault = _inject(faults, wanted, ttl_s=hold_s + GRACE_S)
        typer.echo(f"in force for {hold_s:g} s: {fault.record.proof}", err=True)
        time.sleep(hold_s)
        record = fault.heal()
    typer.echo(f"healed: {record.proof}", err=True)
    return record


def _inject(faults: Faults, wanted: Wanted, *, ttl_s: float) -> Fault:
    match wanted.what:
        case "kill" | "stop":
            return strike(faults, wanted.what, wanted.aim, ttl_s=ttl_s)
        case "cut":
            return faults.link_cut(ttl_s=ttl_s)
        case "link":
            return trouble(
                faults, wanted.link, relay=wanted.relay, seed=wanted.aim.seed, ttl_s=ttl_s
            )
        case _:
            assert_never(wanted.what)
