"""The folder of one run, and what a runner that died has left in it.

`start.json` is there before anything is injected, `result.json` when the run was judged; between the two lie the
leases, our journal of faults and Chaos Toolkit's own.
"""

import os
import random
import re
import shutil
import string
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from chaos.clock import SystemClock
from chaos.heal import heal_all
from chaos.journal import Journal
from chaos.leases import LeaseError, Leases
from chaos.runs.experiment import Loaded
from chaos.runs.journal import JournalError, read_journal
from chaos.runs.verdict import Facts, Injected, Judged, Limits, judge
from contracts.chaos import ChaosReason, ChaosResult, ChaosStart
from runtime.processes import is_running, start_ticks

PREFIX = "chaos-"
NAME = re.compile(r"chaos-\d{8}-\d{6}-[a-z0-9-]+-[a-z]{6}")
FOLDERS_KEPT = 200
"""A journal has a few hundred kilobytes; the verdicts of older runs stay in the history."""


def new_folder(runs: Path, loaded: Loaded, *, seed: int, cloud: Path) -> tuple[Path, ChaosStart]:
    """A folder for a run that begins now, with its `start.json` on disk. Raises `OSError`."""
    run = _name_of_run(loaded)
    folder = runs / run
    folder.mkdir(parents=True, mode=0o700)
    start = ChaosStart(
        run=run, experiment=loaded.name, title=loaded.experiment.title, digest=loaded.digest,
        seed=seed, tier="tier0", cloud=str(cloud), runner_pid=os.getpid(),
        runner_start_ticks=start_ticks(os.getpid()) or 0, started_wall_s=time.time(),
        started_mono_ns=time.monotonic_ns(),
    )  # fmt: skip
    shutil.copyfile(loaded.file, folder / "experiment.yaml")
    write_whole(folder / "start.json", msgspec.json.encode(start))
    return folder, start


def _name_of_run(loaded: Loaded) -> str:
    letters = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=6))
    return f"{PREFIX}{time.strftime('%Y%m%d-%H%M%S')}-{loaded.name}-{letters}"


def prune(runs: Path) -> None:
    """Remove the oldest folders of judged runs beyond `FOLDERS_KEPT`; one with a fault in force stays."""
    known = sorted(path for path in runs.iterdir() if NAME.fullmatch(path.name))
    for folder in known[:-FOLDERS_KEPT]:
        if (folder / "result.json").exists() and not any(folder.glob("leases/*.json")):
            shutil.rmtree(folder, ignore_errors=True)


def injected_in(folder: Path, start: ChaosStart) -> tuple[Injected, ...]:
    """The faults of the folder's journal, in wall time."""
    return tuple(
        Injected(
            id=record.id, proven=record.proven, proof=record.proof,
            at_s=start.started_wall_s + (record.injected_mono_ns - start.started_mono_ns) / 1e9,
        )
        for record in Journal(folder / "faults.ndjson").records()
    )  # fmt: skip


def open_leases(folder: Path) -> tuple[str, ...]:
    """The faults of the run that are in force; a lease that does not read counts as one."""
    try:
        return tuple(lease.id for lease in Leases(folder / "leases").open_leases())
    except LeaseError as error:
        return (str(error),)


def result_of(
    folder: Path, start: ChaosStart, judged: Judged, *, rto_s: float, ended_s: float
) -> ChaosResult:
    """The contract's record of a judged run."""
    return ChaosResult(
        run=start.run, experiment=start.experiment, title=start.title, digest=start.digest,
        seed=start.seed, tier=start.tier, verdict=judged.verdict, reasons=judged.reasons,
        started_wall_s=start.started_wall_s, duration_s=round(ended_s - start.started_wall_s, 3),
        faults=Journal(folder / "faults.ndjson").records(), recoveries=judged.recoveries,
        rto_limit_s=rto_s, looks=judged.looks, probe_gap_s=round(judged.gap_s, 3),
        journal=str(folder / "journal.json"),
    )  # fmt: skip


def refuse(loaded: Loaded, reasons: tuple[ChaosReason, ...]) -> ChaosResult:
    """The record of a run that did not begin: nothing was injected, and there is no folder."""
    now_s = time.time()
    return ChaosResult(
        run=_name_of_run(loaded),
        experiment=loaded.name, title=loaded.experiment.title, digest=loaded.digest, seed=0,
        tier="tier0", verdict="refused", reasons=reasons, started_wall_s=now_s, duration_s=0.0,
    )  # fmt: skip


def write_result(folder: Path, result: ChaosResult) -> ChaosResult:
    """Put `result.json` on disk: from now on the run is judged for good."""
    write_whole(folder / "result.json", msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    return result


def results(runs: Path) -> Iterator[ChaosResult]:
    """Every run of the folder that is over, those of runners that died included.

    A dead run with a fault in force is told as it is now and judged for good once nothing of it is in force.
    """
    for folder in sorted(runs.glob(f"{PREFIX}*")):
        result = _result(folder)
        if result is not None:
            yield result


def _result(folder: Path) -> ChaosResult | None:
    try:
        return msgspec.json.decode((folder / "result.json").read_bytes(), type=ChaosResult)
    except (FileNotFoundError, msgspec.MsgspecError):
        pass
    try:
        start = msgspec.json.decode((folder / "start.json").read_bytes(), type=ChaosStart)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None  # it died before it began: nothing was injected
    if is_running(start.runner_pid, start.runner_start_ticks):
        return None
    return _left_by_the_dead(folder, start)


def _left_by_the_dead(folder: Path, start: ChaosStart) -> ChaosResult:
    in_force = open_leases(folder)
    try:
        played = read_journal(folder / "journal.json")
    except JournalError:
        played = None
    judged = judge(
        Facts(
            limits=Limits(rto_s=float("inf"), gap_s=float("inf")), played=played, died=True,
            injected=injected_in(folder, start), open_leases=in_force,
        )
    )  # fmt: skip
    ended_s = max(path.stat().st_mtime for path in folder.iterdir())
    result = result_of(folder, start, judged, rto_s=0.0, ended_s=ended_s)
    return result if in_force else write_result(folder, result)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is either not there or complete."""
    scratch = path.with_suffix(".tmp")
    scratch.write_bytes(data)
    scratch.replace(path)


def draw_seed() -> int:
    """A seed for a run that was not given one."""
    return random.SystemRandom().randrange(1 << 31)


def heal_the_dead(runs: Path) -> dict[str, str]:
    """Heal what runners that are gone have left in force; returns what could not be, by lease."""
    failed: dict[str, str] = {}
    for directory in sorted(runs.glob("*/leases")):
        if not any(directory.glob("*.json")):
            continue
        try:
            failed |= heal_all(directory, SystemClock()).failed
        except LeaseError as error:
            failed[str(directory)] = str(error)
    return failed
