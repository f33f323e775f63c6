"""A demo run on clusters that are up: the same traffic, taps and verdict as on the embedded cloud."""

import subprocess

import msgspec
import psycopg
from rich.console import Console

from cli.demo_carry import Narrator, Outcome, carry
from cli.demo_clusters import find_ground, tapped
from cli.demo_clusters_faults import FAULTS, Breaking
from cli.demo_options import DemoOptions
from cli.demo_place import FactError
from cli.demo_run import DemoError
from cli.demo_runs import new_run
from cli.demo_scan import ScanError
from cli.demo_traffic import TrafficError
from local.clusters import FAILURES
from local.site_faults import GoneError
from local.site_link import FaultError
from local.site_nodes import NodeError, StuckError
from runtime.control import ControlError
from sync.reader import VerifyError
from sync.settings import SettingsError


def run_on_clusters(options: DemoOptions, environment: str, console: Console) -> Outcome:
    """Carry one run through on the clusters of `environment`, and leave them up. Raises `DemoError`."""
    say = Narrator(console)
    console.print(f"[bold]Isthmus demo[/] on {environment} · seed {options.seed}", highlight=False)
    try:
        ground = find_ground(options.root, environment)
        with (
            new_run(options.root / ".isthmus" / "runs", say) as folder,
            tapped(ground, folder) as place,
        ):
            breaking = Breaking(ground, duration_s=options.duration_s, seed=options.seed, say=say)
            return carry(options, place, folder, inject=breaking.run, expected=FAULTS, say=say)
    except (
        *FAILURES, FaultError, GoneError, NodeError, StuckError, FactError, ScanError, TrafficError, ControlError, VerifyError,
        SettingsError, psycopg.Error, subprocess.TimeoutExpired, msgspec.MsgspecError,
    ) as error:  # fmt: skip
        raise DemoError(error) from error
