"""Find a process by its command line, see whether it is stopped, and start one again as it was."""

import contextlib
from pathlib import Path

from contracts.cloud import ProcessRecord
from runtime.processes import Launch, Process, start_process, start_ticks


def find_running(argv: tuple[str, ...]) -> Process | None:
    """A process of ours with exactly this command line, if one runs."""
    wanted = b"\0".join(argument.encode() for argument in argv) + b"\0"
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if entry.joinpath("cmdline").read_bytes() != wanted:
                continue
            ticks = start_ticks(int(entry.name))
            if ticks is not None:
                return Process(pid=int(entry.name), start_ticks=ticks)
    return None


def start_again(record: ProcessRecord, argv: tuple[str, ...]) -> Process:
    """Start `argv` as `record` was started: its environment, directory, log and user. Raises `OSError`.

    A process of another user gets nothing of our environment, as when it was first started.
    """
    return start_process(
        Launch(
            argv=argv, environ=record.environ, cwd=record.cwd, log=record.log, user=record.user,
            inherit=not record.user,
        )
    )  # fmt: skip


def is_stopped(pid: int) -> bool:
    """Whether the kernel says that the process does not run until it is continued."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in {"T", "t"}
