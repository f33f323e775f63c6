"""Start, see, signal and end the processes of one container; all that must outlive the agent is in its files.

A container is known by its control group and two files: `pid` of its main process and `exit`, its code. So an agent
that comes back sees what runs and what ended meanwhile, and a pid that was given to somebody else is never signalled.
"""

import asyncio
import contextlib
import os
import shutil
import signal
from pathlib import Path

import msgspec

from local.agent_cgroup import Cgroup
from local.agent_script import StartPlan, Tools, start_script
from local.agent_slot import Absent, Exited, Running, Seen
from runtime.processes import Launch, Process, is_alive, start_process

START_S = 10.0
POLL_S = 0.005
KEPT_ATTEMPTS = 2
"""`kubectl logs` and `kubectl logs --previous`."""


SYSTEM = "/usr/sbin:/sbin"
"""Some of them stand where an ordinary user's PATH does not look."""


class StartError(Exception):
    """The container's process could not be made; says what the set-up wrote."""


class ToolError(Exception):
    """A program the agent needs is not on PATH: which, how to get it."""


def find_tools() -> Tools:
    """The programs of util-linux and coreutils, by absolute path. Raises `ToolError`."""
    found: dict[str, str] = {}
    for field in msgspec.structs.fields(Tools):
        path = shutil.which(field.name, path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM}")
        if path is None:
            raise ToolError(f"{field.name}: not on PATH; expected util-linux and coreutils")
        found[field.name] = path
    return msgspec.convert(found, Tools)


class ContainerFiles:
    """One container's directory: a record per attempt, the newest kept."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "root"

    def record(self, attempt: int) -> Path:
        """Where `pid`, `exit`, `log` and `setup` of one start are."""
        return self.directory / str(attempt)

    def make(self, attempt: int) -> Path:
        """An empty record, and the older ones but one gone."""
        record = self.record(attempt)
        shutil.rmtree(record, ignore_errors=True)
        record.mkdir(parents=True, mode=0o700)
        self.root.mkdir(exist_ok=True)
        for path in self.directory.iterdir():
            if path.name.isdigit() and int(path.name) <= attempt - KEPT_ATTEMPTS:
                shutil.rmtree(path, ignore_errors=True)
        return record


async def start_container(plan: StartPlan, group: Cgroup, tools: Tools) -> Process:
    """Run the plan's script and wait until its process is there; the script's shell. Raises `StartError`."""
    record = Path(plan.record)
    script = record / "start.sh"
    script.touch(mode=0o600)
    script.write_text(start_script(plan, tools))
    setup = record / "setup"
    process = start_process(
        Launch(argv=("/bin/sh", str(script)), environ={}, inherit=False, cwd="/", log=str(setup))
    )
    try:
        async with asyncio.timeout(START_S):
            while not _pid(record) and is_alive(process):  # noqa: ASYNC110 -- a file of another process
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        group.kill()
    if not _pid(record):
        said = setup.read_text(errors="replace")[-500:].strip()
        raise StartError(said or f"the container did not start within {START_S:g} s")
    return process


def _pid(record: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int((record / "pid").read_text())
    return 0


def see(record: Path, group: Cgroup) -> Seen:
    """What there is of one start."""
    started_s = _changed_s(record / "pid")
    code = _exit_code(record)
    if code is not None:
        finished_s = _changed_s(record / "exit")
        if group.is_populated():
            group.kill()  # what the main process left behind
        return Exited(
            code=code, started_s=started_s, finished_s=finished_s,
            out_of_memory=group.was_out_of_memory(),
        )  # fmt: skip
    if group.is_populated():
        return Running(started_s=started_s)
    return Absent()


def _exit_code(record: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        text = (record / "exit").read_text()
        return int(text) if text.endswith("\n") else None
    return None


def _changed_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def main_pid(record: Path, group: Cgroup) -> int:
    """The container's main process, if it still is in the container's group; else 0."""
    pid = _pid(record)
    return pid if pid in group.processes() else 0


def terminate(record: Path, group: Cgroup) -> bool:
    """SIGTERM to the main process; False when it is not there."""
    try:
        descriptor = os.pidfd_open(_pid(record) or os.getpid())
    except OSError:
        return False
    try:
        # checked after the pidfd is open: what it names cannot change any more
        if not main_pid(record, group):
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def environ_of(pid: int) -> dict[str, str]:
    """The environment a process was started with."""
    try:
        data = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (it.decode(errors="surrogateescape").partition("=") for it in data.split(b"\0") if it)
    return {name: value for name, _, value in pairs}
