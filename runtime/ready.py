"""Write and read a process's ready file; the write is atomic, so a reader never sees half of one."""

import os
from pathlib import Path

import msgspec

from contracts.ready import Ready


def write_ready(path: Path, name: str, addresses: dict[str, str]) -> None:
    """Say that this process serves at `addresses`."""
    ready = Ready(name=name, pid=os.getpid(), addresses=addresses)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    scratch.write_bytes(msgspec.json.encode(ready))
    scratch.replace(path)


def read_ready(path: Path) -> Ready | None:
    """The ready file's content, or None while there is none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(data, type=Ready)
