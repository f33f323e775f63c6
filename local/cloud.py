"""The hybrid cloud of one checkout: up, down, as asked; and nothing of it left once it should be gone."""

import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from contracts.cloud import CloudState
from local import postgres
from local.engines import EngineRoom, plan_engines
from local.ending import end_cloud, is_abandoned
from local.ground import Ground, host_of, port_names
from local.kafka import KafkaError
from local.launch import Launcher, StartError, record_of, start_spec
from local.plan import POLICY, CloudOptions, Engines, ProcessSpec, endpoints, plan_cloud
from local.ports import PortError, free_port, is_free
from local.postgres import PostgresError
from local.process import Process, end_processes, is_alive, start_ticks
from local.state import CloudFiles, LockedError, Standing
from toolchain.kafka import FetchError, LockError, fetch_kafka

CHECKOUT = Path(__file__).parents[1]
PORT_TRIES = 3
"""Somebody may take a port between drawing and listening; three times in a row is no accident."""
STOP_GRACE_S = 5.0
Progress = Callable[[str], None]


class CloudError(Exception):
    """The cloud could not be brought to what was asked: what, where, fix."""


class CloudUsageError(CloudError):
    """What was asked cannot be: a cloud runs already, a port is taken, options do not fit."""


def up(root: Path, options: CloudOptions, progress: Progress = lambda _text: None) -> CloudState:
    """Bring a cloud up; on any failure nothing of it is left. Raises `CloudError`."""
    files = CloudFiles(root)
    with _explained(), files.command_lock():
        _reap(files)
        if files.read_state() is not None:
            raise CloudUsageError(
                f"{files.state_path}: a cloud is already up here; expected none. "
                "fix: isthmus status shows it, isthmus down local ends it"
            )
        _check_options(options)
        jars = fetch_kafka(files.home / "engines", progress=progress)
        for attempt in range(1, PORT_TRIES + 1):
            try:
                return _up_once(files, options, jars, progress)
            except StartError as error:
                if not error.port_taken or attempt == PORT_TRIES:
                    raise
                progress(f"{error.name}: its port was taken meanwhile, trying others")
    raise AssertionError("the last attempt returns or raises")


def _check_options(options: CloudOptions) -> None:
    for flag, name, port in (
        ("--core-port", "router-core", options.core_port),
        ("--edge-port", "router-edge", options.edge_port),
    ):
        if port and not is_free(host_of(name), port):
            raise CloudUsageError(
                f"{flag} {port}: {host_of(name)}:{port} is taken; expected a free port. "
                "fix: name another, or leave the option out to get a free one"
            )


def _up_once(
    files: CloudFiles, options: CloudOptions, jars: Path, progress: Progress
) -> CloudState:
    ground = _new_ground(files, options)
    shutil.rmtree(files.cloud, ignore_errors=True)
    files.cloud.mkdir(mode=0o700, parents=True)
    engines = plan_engines(ground, jars)
    state = _new_state(ground, engines, options)
    # on disk before the directory it names exists: whenever we are killed, the next command finds it
    files.write_standing(_standing(ground, options))
    files.write_state(state)
    try:
        _make_ground(ground)
        _launch(
            files, plan_cloud(options, ground, engines), EngineRoom(ground, engines, jars), progress
        )
    except BaseException:
        end_cloud(files)
        raise
    return _state(files)


def _new_ground(files: CloudFiles, options: CloudOptions) -> Ground:
    chance, taken = random.SystemRandom(), {options.core_port, options.edge_port}
    ports = {
        name: free_port(host_of(name), chance, taken=taken) for name in port_names(options.ad_nodes)
    }
    for name, port in (("router-core", options.core_port), ("router-edge", options.edge_port)):
        ports[name] = port or ports[name]
    identity = uuid.uuid4().hex[:12]
    return Ground(
        id=identity,
        root=str(files.cloud),
        temporary=str(Path(tempfile.gettempdir(), f"isthmus-{identity}")),
        checkout=str(CHECKOUT),
        python=sys.executable,
        engines=str(files.home / "engines"),
        ports=ports,
    )


def _new_state(ground: Ground, engines: Engines, options: CloudOptions) -> CloudState:
    warehouse_dsn = postgres.dsn(engines.postgres, "warehouse")
    return CloudState(
        id=ground.id,
        root=ground.root,
        temporary=ground.temporary,
        owner_pid=os.getpid(),
        owner_start_ticks=start_ticks(os.getpid()) or 0,
        keep=False,  # until it is up: a half-started cloud is never kept
        policy=ground.path("policy.yaml"),
        topology=ground.path("topology-core.yaml"),
        endpoints=endpoints(ground, ledger_dsn=engines.ledger_dsn, warehouse_dsn=warehouse_dsn),
        processes=(),
    )


def _standing(ground: Ground, options: CloudOptions) -> Standing:
    return Standing(
        ground=ground,
        without=tuple(sorted(options.without)),
        ad_nodes=options.ad_nodes,
        keep=options.keep,
    )


def _make_ground(ground: Ground) -> None:
    # others may pass through (PostgreSQL runs as nobody when we are root) but not look around
    temporary = Path(ground.temporary)
    temporary.mkdir(mode=0o700)
    temporary.chmod(0o711 if os.geteuid() == 0 else 0o700)
    (temporary / "ctl").mkdir(mode=0o700)
    for name in ("logs", "ready", "settings", "bridge", "evidence-core", "evidence-edge"):
        Path(ground.path(name)).mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(POLICY, ground.path("policy.yaml"))
    warehouse = postgres.dsn(postgres.plan_postgres(temporary / "pg"), "warehouse")
    Path(ground.path("warehouse.dsn")).write_text(f"{warehouse}\n")


def _launch(
    files: CloudFiles, specs: tuple[ProcessSpec, ...], room: EngineRoom, progress: Progress
) -> None:
    _write_files(specs)
    launcher = Launcher(
        prepare=room.prepare, confirm=room.confirm, record=files.record, progress=progress
    )
    launcher.start(specs)
    standing = files.read_standing()
    with files.state_lock():
        state = _state(files)
        order = {spec.name: n for n, spec in enumerate(specs)}
        processes = sorted(state.processes, key=lambda it: order.get(it.name, -1))
        keep = standing is not None and standing.keep
        files.write_state(msgspec.structs.replace(state, processes=tuple(processes), keep=keep))


def _write_files(specs: tuple[ProcessSpec, ...]) -> None:
    for spec in specs:
        for path, text in spec.files.items():
            Path(path).write_text(text)


def _state(files: CloudFiles) -> CloudState:
    state = files.read_state()
    if state is None:
        raise CloudError(
            f"{files.state_path}: gone meanwhile; expected it to stay while the cloud runs"
        )
    return state


def reconcile(
    root: Path, options: CloudOptions, progress: Progress = lambda _text: None
) -> CloudState:
    """Make the running cloud what `options` say, restarting only what differs or died. Raises `CloudError`."""
    files = CloudFiles(root)
    with _explained(), files.command_lock():
        _reap(files)
        standing, state = files.read_standing(), files.read_state()
        if standing is None or state is None:
            raise CloudUsageError(
                f"{files.cloud}: no cloud is up here; expected one. fix: isthmus up local"
            )
        if options.ad_nodes != standing.ad_nodes:
            raise CloudUsageError(
                f"the running cloud has {standing.ad_nodes} ad nodes; expected {options.ad_nodes}. "
                "fix: isthmus down local, then up again"
            )
        jars = fetch_kafka(files.home / "engines", progress=progress)
        engines = plan_engines(standing.ground, jars)
        specs = plan_cloud(options, standing.ground, engines)
        changed = _to_restart(specs, state)
        if changed:
            progress(f"restarting {', '.join(spec.name for spec in changed)}")
        _stop(state, {spec.name for spec in changed})
        kept = options if options.keep else msgspec.structs.replace(options, keep=standing.keep)
        files.write_standing(_standing(standing.ground, kept))
        # engines of `changed` that others wait for are ready already unless they restart too
        _write_files(specs)
        room = EngineRoom(standing.ground, engines, jars)
        launcher = Launcher(
            prepare=room.prepare, confirm=room.confirm, record=files.record, progress=progress
        )
        launcher.start(changed)
        return _state(files)


def _to_restart(specs: tuple[ProcessSpec, ...], state: CloudState) -> tuple[ProcessSpec, ...]:
    """Those that are dead or run otherwise than they should."""
    running = {record.name: record for record in state.processes}
    changed: list[ProcessSpec] = []
    for spec in specs:
        record = running.get(spec.name)
        alive = record is not None and is_alive(
            Process(pid=record.pid, start_ticks=record.start_ticks)
        )
        same = record is not None and (record.argv, record.environ) == (spec.argv, spec.environ)
        if not (alive and same and _files_are(spec.files)):
            changed.append(spec)
    return tuple(changed)


def _files_are(files: dict[str, str]) -> bool:
    return all(
        Path(path).is_file() and Path(path).read_text() == text for path, text in files.items()
    )


def _stop(state: CloudState, names: set[str]) -> None:
    stopped = [
        Process(pid=it.pid, start_ticks=it.start_ticks)
        for it in state.processes
        if it.name in names
    ]
    end_processes(stopped, signum=signal.SIGTERM, grace_s=STOP_GRACE_S)


def respawn(root: Path, name: str) -> CloudState:
    """Start a dead process again as it was, and wait for it. Raises `CloudError`."""
    files = CloudFiles(root)
    with _explained():
        state = _state(files)
        record = next((it for it in state.processes if it.name == name), None)
        if record is None:
            raise CloudUsageError(
                f"{name}: no such process; expected one of {', '.join(it.name for it in state.processes)}"
            )
        standing = files.read_standing()
        if standing is None:
            raise CloudError(f"{files.cloud}: ground.json is gone; fix: isthmus down local")
        specs = {
            spec.name: spec
            for spec in plan_cloud(
                standing.options(),
                standing.ground,
                plan_engines(standing.ground, fetch_kafka(files.home / "engines")),
            )
        }
        if not is_alive(Process(pid=record.pid, start_ticks=record.start_ticks)):
            _restart_one(files, specs[name])
        return _state(files)


def _restart_one(files: CloudFiles, spec: ProcessSpec) -> None:
    def already_there(_spec: ProcessSpec) -> None:
        return

    def no_engine(spec: ProcessSpec, _check: Callable[[], None]) -> None:
        raise CloudUsageError(f"{spec.name}: an engine cannot be started again alone")

    Launcher(
        prepare=already_there, confirm=no_engine, record=files.record, progress=lambda _text: None
    ).start([spec])


def down(root: Path) -> bool:
    """End the cloud and remove all of it; says whether there was anything. Raises `CloudError`."""
    files = CloudFiles(root)
    if not files.home.exists():
        return False
    with _explained(), files.command_lock():
        return end_cloud(files)


def reap(root: Path) -> bool:
    """Remove what a killed command left behind; says whether there was anything. Raises `CloudError`."""
    files = CloudFiles(root)
    if not files.home.exists():
        return False
    with _explained(), files.command_lock():
        return _reap(files)


def _reap(files: CloudFiles) -> bool:
    return end_cloud(files) if is_abandoned(files) else False


@contextlib.contextmanager
def hold(
    root: Path, options: CloudOptions, progress: Progress = lambda _text: None
) -> Iterator[CloudState]:
    """A cloud as `options` say for the time of the block: the running one, changed and afterwards
    changed back, or one of our own that goes with the block unless `keep`. Raises `CloudError`.
    """
    reap(root)
    files = CloudFiles(root)
    state, standing = files.read_state(), files.read_standing()
    if state is None or standing is None:
        yield up(root, options, progress)
        if not options.keep:
            down(root)
        return
    if not state.keep and state.owner_pid != os.getpid():
        raise CloudUsageError(
            f"{files.state_path}: process {state.owner_pid} runs a cloud here; expected none or a kept one. "
            "fix: wait for it to end"
        )
    try:
        yield reconcile(root, options, progress)
    finally:
        if state.keep:
            reconcile(root, standing.options(), progress)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Whatever goes wrong below reaches the caller as `CloudError`."""
    try:
        yield
    except (
        StartError,
        KafkaError,
        PostgresError,
        FetchError,
        LockError,
        LockedError,
        PortError,
    ) as error:
        raise CloudError(str(error)) from error
    except OSError as error:
        raise CloudError(
            f"{error}; fix: see that this directory can be written and has space"
        ) from error
