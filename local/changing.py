"""Change a running cloud: restart what differs from the plan or died, leave the rest alone."""

import signal
from pathlib import Path

import msgspec

from contracts.cloud import CloudState, ProcessRecord
from local.engines import EngineRoom, plan_engines
from local.making import Progress, finish, launcher, standing_of, write_files
from local.plan import CloudOptions, ProcessSpec, plan_cloud
from local.state import CloudFiles, Standing
from runtime.processes import Process, end_processes, is_alive

STOP_GRACE_S = 5.0


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A cloud that is up: its files, what they say, and the jars of its brokers."""

    files: CloudFiles
    standing: Standing
    state: CloudState
    jars: Path


def change_cloud(running: Running, options: CloudOptions, progress: Progress) -> CloudState:
    """Make the running cloud what `options` say; whether it is kept stays as it was."""
    files, standing, state, jars = running.files, running.standing, running.state, running.jars
    engines = plan_engines(standing.ground, jars)
    kept = msgspec.structs.replace(options, keep=standing.keep)
    specs = plan_cloud(kept, standing.ground, engines)
    changed = to_restart(specs, state.processes)
    if changed:
        progress(f"restarting {', '.join(spec.name for spec in changed)}")
    names = {spec.name for spec in changed} | (
        {record.name for record in state.processes} - {spec.name for spec in specs}
    )
    end_processes(
        [process_of(it) for it in state.processes if it.name in names],
        signum=signal.SIGTERM,
        grace_s=STOP_GRACE_S,
    )
    files.write_standing(standing_of(standing.ground, kept))
    write_files(specs)
    room = EngineRoom(standing.ground, engines, jars)
    launcher(files, room, lambda _text: None).start(changed)
    return finish(files, specs, keep=state.keep)


def to_restart(
    specs: tuple[ProcessSpec, ...], records: tuple[ProcessRecord, ...]
) -> tuple[ProcessSpec, ...]:
    """Those that are dead, or run otherwise than they should, or read files that should read otherwise."""
    running = {record.name: record for record in records}
    return tuple(
        spec
        for spec in specs
        if not is_as_planned(spec, running.get(spec.name)) or not files_are(spec.files)
    )


def is_as_planned(spec: ProcessSpec, record: ProcessRecord | None) -> bool:
    """Whether the process runs, and as `spec` says."""
    if record is None or not is_alive(process_of(record)):
        return False
    return (record.argv, record.environ) == (spec.argv, spec.environ)


def files_are(files: dict[str, str]) -> bool:
    """Whether every file holds its text."""
    return all(
        Path(path).is_file() and Path(path).read_text() == text for path, text in files.items()
    )


def process_of(record: ProcessRecord) -> Process:
    """The process a record is about."""
    return Process(pid=record.pid, start_ticks=record.start_ticks)
