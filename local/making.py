"""Make a new cloud: draw its ground, put it on record, lay its directories, launch its processes."""

import os
import random
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec

from contracts.cloud import CloudState
from local import postgres
from local.ending import end_cloud, remove
from local.engines import EngineRoom, plan_engines
from local.ground import Ground, host_of, port_names
from local.launch import Launcher
from local.plan import POLICY, CloudOptions, Engines, ProcessSpec, endpoints, plan_cloud
from local.ports import free_port
from local.state import CloudFiles, Standing
from runtime.processes import start_ticks

CHECKOUT = Path(__file__).parents[1]
DIRECTORIES = ("logs", "ready", "settings", "evidence-core", "evidence-edge")
Progress = Callable[[str], None]


class GoneError(Exception):
    """The state vanished while its cloud ran."""


def make_cloud(
    files: CloudFiles, options: CloudOptions, *, jars: Path, progress: Progress
) -> CloudState:
    """Bring up a cloud where none is; if that fails or is interrupted, nothing of it is left."""
    ground = draw_ground(files, options)
    remove(files.cloud)
    files.cloud.mkdir(mode=0o700, parents=True)
    engines = plan_engines(ground, jars)
    specs = plan_cloud(options, ground, engines)
    # on disk before the directory it names exists: whenever we are killed, the next command finds it
    files.write_standing(standing_of(ground, options))
    files.write_state(new_state(ground, engines))
    try:
        lay_ground(ground)
        write_files(specs)
        launcher(files, EngineRoom(ground, engines, jars), progress).start(specs)
        return finish(files, specs, keep=options.keep)
    except BaseException:
        end_cloud(files)
        raise


def draw_ground(files: CloudFiles, options: CloudOptions) -> Ground:
    """A new ground; ports that were asked for are taken as they are. Raises `PortError`."""
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
        ports=ports,
    )


def standing_of(ground: Ground, options: CloudOptions) -> Standing:
    """What is put on record of ground and options."""
    return Standing(
        ground=ground,
        without=tuple(sorted(options.without)),
        ad_nodes=options.ad_nodes,
        keep=options.keep,
        holder_pid=os.getpid() if options.without else 0,
        holder_start_ticks=(start_ticks(os.getpid()) or 0) if options.without else 0,
    )


def new_state(ground: Ground, engines: Engines) -> CloudState:
    """The state before the first process; it is not kept until all of it is up."""
    warehouse_dsn = postgres.dsn(engines.postgres, "warehouse")
    return CloudState(
        id=ground.id,
        root=ground.root,
        temporary=ground.temporary,
        owner_pid=os.getpid(),
        owner_start_ticks=start_ticks(os.getpid()) or 0,
        keep=False,
        policy=ground.path("policy.yaml"),
        topology=ground.path("topology-core.yaml"),
        endpoints=endpoints(ground, ledger_dsn=engines.ledger_dsn, warehouse_dsn=warehouse_dsn),
        processes=(),
    )


def lay_ground(ground: Ground) -> None:
    """Make the directories and the files that no single process owns."""
    temporary = Path(ground.temporary)
    temporary.mkdir(mode=0o700)
    # others may pass through (PostgreSQL runs as nobody when we are root) but not look around
    temporary.chmod(0o711 if os.geteuid() == 0 else 0o700)
    (temporary / "ctl").mkdir(mode=0o700)
    for name in DIRECTORIES:
        Path(ground.path(name)).mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(POLICY, ground.path("policy.yaml"))
    warehouse = postgres.dsn(postgres.plan_postgres(temporary / "pg"), "warehouse")
    Path(ground.path("warehouse.dsn")).write_text(f"{warehouse}\n")


def write_files(specs: tuple[ProcessSpec, ...]) -> None:
    """Write every file the processes read at start."""
    for spec in specs:
        for path, text in spec.files.items():
            Path(path).write_text(text)


def launcher(files: CloudFiles, room: EngineRoom, progress: Progress) -> Launcher:
    """A launcher that records what it starts."""
    return Launcher(
        prepare=room.prepare, confirm=room.confirm, record=files.record, progress=progress
    )


def finish(files: CloudFiles, specs: tuple[ProcessSpec, ...], *, keep: bool) -> CloudState:
    """The state once all of it is up, processes in the plan's order. Raises `GoneError`."""
    order = {spec.name: n for n, spec in enumerate(specs)}
    with files.state_lock():
        state = files.read_state()
        if state is None:
            raise GoneError(f"{files.state_path}: gone while the cloud was started")
        processes = tuple(sorted(state.processes, key=lambda it: order.get(it.name, -1)))
        state = msgspec.structs.replace(state, processes=processes, keep=keep)
        files.write_state(state)
    return state
