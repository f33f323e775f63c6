"""One demo run from nothing to its verdict: the cloud brought up, a run carried through on it, the cloud gone."""

import subprocess

import msgspec
import psycopg
from rich.console import Console

from chaos.faults import FaultError, NotHealedError
from cli.demo_carry import Injected, Narrator, Outcome, carry
from cli.demo_faults import inject_on_schedule
from cli.demo_options import FAULTS, DemoOptions
from cli.demo_place import FactError, embedded
from cli.demo_runs import new_run
from cli.demo_scan import ScanError
from cli.demo_traffic import Traffic, TrafficError
from contracts.cloud import CloudState
from local.cloud import CloudError, CloudUsageError, hold
from local.plan import CloudOptions
from runtime.control import ControlError
from runtime.processes import is_running
from sync.reader import VerifyError
from sync.settings import SettingsError

USAGE, ENVIRONMENT, NOT_HEALED = 2, 3, 5
KILLED_ON_PURPOSE = frozenset({"ads", "bridge"})
"""Roles the demo's own faults end."""


class DemoError(Exception):
    """The run could not be carried through: what, where, how to go on, and the exit code that says so."""

    def __init__(self, error: Exception, *, died: str = "") -> None:
        super().__init__(f"{error}{died}")
        match error:
            case CloudUsageError():
                self.exit_code = USAGE
            case NotHealedError():
                self.exit_code = NOT_HEALED
            case _:
                self.exit_code = ENVIRONMENT


def run_demo(options: DemoOptions, console: Console) -> Outcome:
    """Carry one run through. Raises `DemoError`; on any way out nothing of ours is left running."""
    say = Narrator(console)
    for line in _cast(options):
        console.print(line, highlight=False, soft_wrap=True)
    wanted = CloudOptions(
        without=frozenset({options.without} if options.without else ()), keep=options.keep
    )
    died = ""
    try:
        with hold(options.root, wanted, say) as state:
            say("ready")
            try:
                return _run_on(options, state, say)
            finally:
                died = tell_of_the_dead(state)
    except (
        CloudError, FaultError, FactError, ScanError, TrafficError, ControlError, VerifyError,
        SettingsError, psycopg.Error, OSError, subprocess.TimeoutExpired, msgspec.MsgspecError,
    ) as error:  # fmt: skip
        raise DemoError(error, died=died) from error


def tell_of_the_dead(state: CloudState) -> str:
    """Which processes no fault of ours ends have died, and where they say why; empty when none has."""
    dead = [
        it
        for it in state.processes
        if it.role not in KILLED_ON_PURPOSE and not is_running(it.pid, it.start_ticks)
    ]
    if not dead:
        return ""
    logs = "\n".join(f"  {it.name} died during the run; its log: {it.log}" for it in dead)
    return f"\n{logs}\n  fix: run it again; if it dies again, the log says why"


def _cast(options: DemoOptions) -> list[str]:
    without = f" · [red]without {options.without}[/]" if options.without else ""
    return [
        f"[bold]Isthmus demo[/] · seed {options.seed}{without}",
        "  public   10 ad nodes, clicks, Kafka 4.3, edge router",
        "  private  orders, profiles, ad reserve, Kafka 4.3, PostgreSQL 18, core router, bridge",
    ]


def _run_on(options: DemoOptions, state: CloudState, say: Narrator) -> Outcome:
    def inject(traffic: Traffic) -> Injected:
        return inject_on_schedule(options, state, traffic, say)

    with new_run(options.root / ".isthmus" / "runs", say) as folder:
        return carry(options, embedded(state), folder, inject=inject, expected=FAULTS, say=say)
