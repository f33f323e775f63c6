"""A stack's state as the engine exports it, secrets encrypted, and the copies of it that are kept."""

import os
import time
from pathlib import Path

import msgspec

from infra.engine.environ import made

BACKUPS_MAX = 20
"""Newest exports of a stack that are kept; one is a few hundred KB."""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine remembers of a stack; everything else of it is kept unread."""

    resources: tuple[dict[str, object], ...] = ()
    pending_operations: tuple[dict[str, object], ...] = ()


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """An export: its text, and what is in it."""

    text: str
    deployment: Deployment


class _File(msgspec.Struct, frozen=True, kw_only=True):
    deployment: Deployment | None = None


def read_export(text: str) -> Exported:
    """The export in `pulumi stack export`'s output. Raises `msgspec.MsgspecError`."""
    file = msgspec.json.decode(text, type=_File)
    return Exported(text=text, deployment=file.deployment or Deployment())


def back_up(exported: Exported, name: str, directory: Path) -> Path | None:
    """Keep it in a file of its own (0600), the oldest beyond the limit gone; nothing of an empty stack."""
    if not exported.deployment.resources:
        return None
    made(directory)
    path = directory / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(exported.text)
    for old in sorted(directory.glob(f"{name}-*.json"))[:-BACKUPS_MAX]:
        old.unlink(missing_ok=True)
    return path
