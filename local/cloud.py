"""The hybrid cloud of one checkout: up, down, as asked; and nothing of it left once it should be gone."""

import atexit
import contextlib
import functools
import os
from collections.abc import Generator
from pathlib import Path

import msgspec

from contracts.cloud import CloudState
from local.changing import Running, change_cloud, process_of
from local.ending import RemainsError, end_cloud, is_abandoned
from local.engines import plan_engines
from local.ground import host_of
from local.kafka import KafkaError
from local.launch import Launcher, StartError
from local.making import GoneError, Progress, make_cloud
from local.plan import AD_NODES, AD_NODES_MAX, CloudOptions, ProcessSpec, plan_cloud
from local.ports import PortError, is_free
from local.postgres import PostgresError
from local.state import CloudFiles, Standing
from runtime.locks import LockHeldError
from runtime.processes import is_alive
from toolchain.kafka import FetchError, LockError, fetch_kafka

PORT_TRIES = 3
"""Somebody may take a port between drawing and listening; three times in a row is no accident."""


class CloudError(Exception):
    """The cloud could not be brought to what was asked: what, where, fix."""


class CloudUsageError(CloudError):
    """What was asked cannot be: a cloud runs already, a port is taken, options do not fit."""


class CloudStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is up: `dead` names recorded processes that do not run; `without` the mechanisms switched off.

    `left_by` is the pid of the process that switched them off and is gone; None while it is there.
    """

    state: CloudState
    dead: tuple[str, ...]
    without: tuple[str, ...]
    left_by: int | None = None


def quiet(_text: str) -> None:
    """Progress nobody wants to read."""


def up(root: Path, options: CloudOptions, progress: Progress = quiet) -> CloudState:
    """Bring a cloud up; on any failure nothing of it is left. Raises `CloudError`."""
    files = CloudFiles(root)
    with _explained(), files.command_lock():
        restored = _reap(files, progress)
        if files.read_state() is not None:
            now = " (what a killed command had switched off is on again)" if restored else ""
            raise CloudUsageError(
                f"{files.state_path}: a cloud is already up here{now}; expected none. "
                "fix: isthmus status shows it, isthmus down local ends it"
            )
        _check_options(options)
        jars = fetch_kafka(files.home / "engines", progress=progress)
        for attempt in range(1, PORT_TRIES + 1):
            try:
                return make_cloud(files, options, jars=jars, progress=progress)
            except StartError as error:
                if not error.port_taken or attempt == PORT_TRIES:
                    raise
                progress(f"{error.name}: its port was taken meanwhile, trying others")
    raise AssertionError("the last attempt returns or raises")


def _check_options(options: CloudOptions) -> None:
    if not 1 <= options.ad_nodes <= AD_NODES_MAX:
        raise CloudUsageError(
            f"--ad-nodes {options.ad_nodes}: expected 1 to {AD_NODES_MAX} (one address each); "
            f"fix: leave the option out for {AD_NODES}"
        )
    for flag, name, port in (
        ("--core-port", "router-core", options.core_port),
        ("--edge-port", "router-edge", options.edge_port),
    ):
        if port and not is_free(host_of(name), port):
            raise CloudUsageError(
                f"{flag} {port}: {host_of(name)}:{port} is taken; expected a free port. "
                "fix: name another, or leave the option out to get a free one"
            )


def reconcile(root: Path, options: CloudOptions, progress: Progress = quiet) -> CloudState:
    """Make the running cloud what `options` say, restarting only what differs or died. Raises `CloudError`."""
    files = CloudFiles(root)
    with _explained(), files.command_lock():
        _end_abandoned(files)
        state, standing = _running(files)
        if options.ad_nodes != standing.ad_nodes:
            raise CloudUsageError(
                f"the running cloud has {standing.ad_nodes} ad nodes; expected {options.ad_nodes}. "
                "fix: isthmus down local, then up again"
            )
        jars = fetch_kafka(files.home / "engines", progress=progress)
        running = Running(files=files, standing=standing, state=state, jars=jars)
        return change_cloud(running, options, progress)


def _running(files: CloudFiles) -> tuple[CloudState, Standing]:
    state, standing = files.read_state(), files.read_standing()
    if state is None or standing is None:
        raise CloudUsageError(
            f"{files.cloud}: no cloud is up here; expected one. fix: isthmus up local"
        )
    return state, standing


def status(root: Path) -> CloudStatus | None:
    """What is up, or None; what a killed command left running is ended first. Raises `CloudError`.

    A kept cloud it left without a mechanism is told, not changed: `up`, `reap` and `hold` do that.
    """
    files = CloudFiles(root)
    if not files.home.exists():
        return None
    with _explained(), files.command_lock():
        _end_abandoned(files)
    state, standing = files.read_state(), files.read_standing()
    if state is None or standing is None:
        return None
    dead = tuple(it.name for it in state.processes if not is_alive(process_of(it)))
    left_by = standing.holder_pid if standing.is_left() else None
    return CloudStatus(state=state, dead=dead, without=standing.without, left_by=left_by)


def respawn(root: Path, name: str) -> CloudState:
    """Start a dead process again as it was, and wait for it. Raises `CloudError`."""
    files = CloudFiles(root)
    with _explained(), files.command_lock():
        state, standing = _running(files)
        record = next((it for it in state.processes if it.name == name), None)
        if record is None or not record.ready:
            names = ", ".join(it.name for it in state.processes if it.ready)
            raise CloudUsageError(f"{name}: cannot be started alone; expected one of {names}")
        if not is_alive(process_of(record)):
            _start_alone(files, _planned(files, standing, name))
        return _running(files)[0]


def _planned(files: CloudFiles, standing: Standing, name: str) -> ProcessSpec:
    engines = plan_engines(standing.ground, fetch_kafka(files.home / "engines"))
    specs = plan_cloud(standing.options(), standing.ground, engines)
    return next(spec for spec in specs if spec.name == name)


def _start_alone(files: CloudFiles, spec: ProcessSpec) -> None:
    # neither is ever asked of a process that writes a ready file
    Launcher(
        prepare=lambda _spec: None,
        confirm=lambda _spec, _check: None,
        record=files.record,
        progress=quiet,
    ).start([spec])


def down(root: Path) -> bool:
    """End the cloud and remove all of it; says whether there was anything. Raises `CloudError`."""
    files = CloudFiles(root)
    if not files.home.exists():
        return False
    with _explained(), files.command_lock():
        return end_cloud(files)


def reap(root: Path) -> bool:
    """Undo what a killed command left behind; says whether there was anything. Raises `CloudError`."""
    files = CloudFiles(root)
    if not files.home.exists():
        return False
    with _explained(), files.command_lock():
        return _reap(files, quiet)


def _reap(files: CloudFiles, progress: Progress) -> bool:
    return _end_abandoned(files) or _restore(files, progress)


def _end_abandoned(files: CloudFiles) -> bool:
    return end_cloud(files) if is_abandoned(files) else False


def _restore(files: CloudFiles, progress: Progress) -> bool:
    """Switch on again what a process that is gone has left switched off on a kept cloud."""
    state, standing = files.read_state(), files.read_standing()
    if state is None or standing is None or not standing.is_left():
        return False
    progress(f"process {standing.holder_pid} left it without {', '.join(standing.without)}")
    jars = fetch_kafka(files.home / "engines", progress=progress)
    running = Running(files=files, standing=standing, state=state, jars=jars)
    whole = msgspec.structs.replace(standing.options(), without=frozenset())
    change_cloud(running, whole, progress)
    return True


@contextlib.contextmanager
def hold(root: Path, options: CloudOptions, progress: Progress = quiet) -> Generator[CloudState]:
    """A cloud as `options` say for the time of the block, for this process alone. Raises `CloudError`.

    A running one is changed, and a kept one has every mechanism on again afterwards; else one of our own is brought up,
    which goes with the block unless `keep`. Inside a block the same process may hold it again, with other options.
    """
    files = CloudFiles(root)
    with contextlib.ExitStack() as locked:
        _take_for_us(files, locked)
        with _held(files, root, options, progress) as state:
            yield state


_ours: set[Path] = set()
"""Checkouts whose cloud this process holds: a series of runs holds it, and so does each of its runs."""


def _take_for_us(files: CloudFiles, locked: contextlib.ExitStack) -> None:
    if files.home in _ours:
        return
    with _explained():
        try:
            locked.enter_context(files.run_lock())
        except LockHeldError as error:
            raise CloudUsageError(str(error)) from error
    _ours.add(files.home)
    locked.callback(_ours.discard, files.home)


@contextlib.contextmanager
def _held(
    files: CloudFiles, root: Path, options: CloudOptions, progress: Progress
) -> Generator[CloudState]:
    with _explained(), files.command_lock():
        _end_abandoned(files)  # what is switched off is changed below, to what is wanted now
    state, standing = files.read_state(), files.read_standing()
    if state is None or standing is None:
        with _own(root, options, progress) as own:
            yield own
        return
    if not state.keep and state.owner_pid != os.getpid():
        raise CloudUsageError(
            f"{files.state_path}: process {state.owner_pid} runs a cloud here; expected none or a kept one. "
            "fix: wait for it to end"
        )
    same_nodes = msgspec.structs.replace(options, ad_nodes=standing.ad_nodes)
    try:
        yield reconcile(root, same_nodes, progress)
    finally:
        if state.keep:
            # to all mechanisms on, not to what was found: a demo killed half-way may have left one off
            reconcile(root, msgspec.structs.replace(same_nodes, without=frozenset()), progress)


@contextlib.contextmanager
def _own(root: Path, options: CloudOptions, progress: Progress) -> Generator[CloudState]:
    end = functools.partial(_end_own, CloudFiles(root))
    if not options.keep:
        # a signal may come between any two steps, on the way from here into the caller's block too
        atexit.register(end)
    try:
        yield up(root, options, progress)
    finally:
        if not options.keep:
            end()
            atexit.unregister(end)


def _end_own(files: CloudFiles) -> None:
    with _explained(), files.command_lock():
        state = files.read_state()
        if state is None or state.owner_pid == os.getpid():
            end_cloud(files)


@contextlib.contextmanager
def _explained() -> Generator[None]:
    """Whatever goes wrong below reaches the caller as `CloudError`."""
    try:
        yield
    except (
        StartError, KafkaError, PostgresError, FetchError, LockError, LockHeldError, PortError, GoneError,
        RemainsError,
    ) as error:  # fmt: skip
        raise CloudError(str(error)) from error
    except OSError as error:
        raise CloudError(
            f"{error}; fix: see that this directory can be written and has space"
        ) from error
