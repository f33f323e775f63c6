"""Delays of a site link started, found and ended: each is a process in the namespace of the site that sends."""

import signal
import subprocess
import time
from pathlib import Path

import msgspec

from local.clusters_agents import CODE
from local.clusters_network import inside, processes_in
from local.site_delay import DEVICE, DelayOptions, command_line, read_command_line
from local.site_link import FaultError
from local.site_rules import LINK
from runtime.processes import (
    MARK,
    Launch,
    Process,
    end_processes,
    is_alive,
    start_process,
    start_ticks,
)

START_S_MAX = 15.0
"""Starting an interpreter takes a tenth of a second on an idle core."""
END_S = 5.0
POLL_S = 0.01


class _Link(msgspec.Struct, frozen=True):
    address: str


def hardware_address(namespace: str) -> str:
    """Of a site's end of the link. Raises `FaultError`."""
    argv = inside(namespace, "ip", "-j", "link", "show", LINK)
    done = subprocess.run(argv, check=False, capture_output=True, timeout=END_S)
    try:
        return msgspec.json.decode(done.stdout, type=tuple[_Link, ...])[0].address
    except (msgspec.MsgspecError, IndexError) as error:
        raise FaultError(
            f"{namespace}: {done.stderr.decode().strip()}; expected its end of the site link "
            "(fix: isthmus up the environment)"
        ) from error


def _delays(namespace: str) -> list[tuple[Process, DelayOptions]]:
    found: list[tuple[Process, DelayOptions]] = []
    for pid in processes_in(namespace):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        options, ticks = read_command_line(words), start_ticks(pid)
        if options is not None and ticks is not None:
            found.append((Process(pid=pid, start_ticks=ticks), options))
    return found


def delay_of(namespace: str) -> DelayOptions | None:
    """The delay on what this site sends, or None."""
    if not _has_device(namespace):
        return None
    return next((options for _, options in _delays(namespace)), None)


def _has_device(namespace: str) -> bool:
    argv = inside(namespace, "ip", "-j", "route", "show", "dev", DEVICE)
    done = subprocess.run(argv, check=False, capture_output=True, timeout=END_S)
    return done.returncode == 0 and len(msgspec.json.decode(done.stdout or b"[]", type=list[object])) == 2  # fmt: skip


def end_delay(namespace: str) -> bool:
    """End the delay, if there is one; whether there was."""
    processes = [process for process, _ in _delays(namespace)]
    end_processes(processes, signum=signal.SIGTERM, grace_s=END_S)
    return bool(processes)


def start_delay(options: DelayOptions, *, mark: str, log: Path) -> None:
    """Delay from now on, in place of an earlier delay. Raises `FaultError`, `OSError`."""
    end_delay(options.namespace)
    process = start_process(
        Launch(argv=command_line(options), environ={MARK: mark}, cwd=str(CODE), log=str(log))
    )
    deadline_s = time.monotonic() + START_S_MAX
    while delay_of(options.namespace) is None:
        if not is_alive(process) or time.monotonic() > deadline_s:
            end_processes([process], signum=signal.SIGTERM, grace_s=END_S)
            said = log.read_text(errors="replace")[-300:].strip()
            raise FaultError(
                f"{options.namespace}: no delay ({said or 'not in time'}); expected /dev/net/tun and the site link. "
                f"fix: see {log}"
            )
        time.sleep(POLL_S)
