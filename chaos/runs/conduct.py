"""One run from its folder to its verdict: played, healed, looked at again, judged, recorded."""

import contextlib
import signal
import time
from collections.abc import Callable, Generator
from pathlib import Path

import msgspec

from chaos.cloud import Cloud, CloudError
from chaos.leases import LeaseError
from chaos.lifecycle import FaultError
from chaos.runs import session
from chaos.runs.experiment import Loaded
from chaos.runs.folder import (
    injected_in,
    new_folder,
    open_leases,
    prune,
    result_of,
    write_result,
)
from chaos.runs.journal import JournalError, read_journal
from chaos.runs.toolkit import Outcome, look_until_met, play
from chaos.runs.verdict import Facts, Limits, Look, Played, judge
from contracts.chaos import ChaosResult, ChaosStart
from runtime.cpu_wait import CpuWait

LEASE_S = 20.0
"""How long the watchdog is waited for when the runner could not heal by itself."""
POLL_S = 0.1
PROBE_GAP_S = 0.5

Say = Callable[[str], None]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run takes place: the cloud's state file, the directory of runs."""

    cloud: Path
    runs: Path
    gap_s: float = PROBE_GAP_S


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was started: what, where, under which start record."""

    loaded: Loaded
    folder: Path
    start: ChaosStart
    place: Place


def conduct(loaded: Loaded, place: Place, *, seed: int, say: Say) -> ChaosResult:
    """Play one experiment; call it from the main thread. Raises `OSError` if nothing could be written."""
    place.runs.mkdir(parents=True, exist_ok=True)
    prune(place.runs)
    folder, start = new_folder(place.runs, loaded, seed=seed, cloud=place.cloud)
    run = Run(loaded=loaded, folder=folder, start=start, place=place)
    say(f"{loaded.experiment.title}: the journal is in {folder}")
    with CpuWait(_router_pids(place.cloud)) as cpu_wait:
        outcome, not_healed, configuration = _play(run, say)
    restored = None
    played = _journal(folder)
    if played is not None and played.before is not None and played.before.met:
        say("healed; looking at the steady state again")
        restored = _look_again(run, configuration)
    facts = _facts(run, outcome, played, not_healed=not_healed, restored=restored)
    judged = judge(msgspec.structs.replace(facts, starved_s=cpu_wait.starved_s))
    rto_s = loaded.experiment.own.rto_s
    return write_result(folder, result_of(folder, start, judged, rto_s=rto_s, ended_s=time.time()))


def _play(run: Run, say: Say) -> tuple[Outcome, str, dict[str, object]]:
    """Play and heal; returns how it ended, what could not be healed, and the configuration it had."""
    experiment = run.loaded.experiment
    outcome = Outcome(fell_over="the runner did not come to its end")
    configuration: dict[str, object] = {}
    with _late_signals_wait():
        try:
            with session.opened(
                run.folder, run.place.cloud, seed=run.start.seed, ttl_s=experiment.own.ttl_s
            ) as configuration:
                say("playing")
                outcome = play(experiment, configuration, run.folder)
        except FaultError as error:
            _wait_for_the_watchdog(run.folder)
            return outcome, str(error), configuration
        except (CloudError, LeaseError) as error:
            return Outcome(fell_over=str(error)), "", configuration
    return outcome, "", configuration


@contextlib.contextmanager
def _late_signals_wait() -> Generator[None]:
    """Outside the library's own time a signal must not cut short what heals and records."""
    before = {it: signal.signal(it, signal.SIG_IGN) for it in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _wait_for_the_watchdog(folder: Path) -> None:
    deadline_s = time.monotonic() + LEASE_S
    while open_leases(folder) and time.monotonic() < deadline_s:
        time.sleep(POLL_S)


def _journal(folder: Path) -> Played | None:
    try:
        return read_journal(folder / "journal.json")
    except JournalError:
        return None


def _look_again(run: Run, configuration: dict[str, object]) -> Look | None:
    experiment = run.loaded.experiment
    with _late_signals_wait():
        return look_until_met(experiment, configuration, within_s=experiment.own.restored_within_s)


def _router_pids(cloud: Path) -> tuple[int, ...]:
    try:
        return tuple(record.pid for record in Cloud(cloud).processes("router"))
    except CloudError:
        return ()  # said by the first probe


def _facts(
    run: Run, outcome: Outcome, played: Played | None, *, not_healed: str, restored: Look | None
) -> Facts:
    left = open_leases(run.folder)
    return Facts(
            limits=Limits(rto_s=run.loaded.experiment.own.rto_s, gap_s=run.place.gap_s),
            played=played, fell_over=outcome.fell_over, safeguard=outcome.safeguard,
            injected=injected_in(run.folder, run.start), open_leases=left,
            # what the watchdog has healed meanwhile is healed, however it came about
            not_healed=not_healed if left else "", restored=restored,
    )  # fmt: skip
