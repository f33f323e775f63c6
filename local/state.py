"""What is on disk about a cloud: its state, the ground it stands on, and the lock that one command holds.

Every write is whole (scratch file, then rename) and mode 0600; the directory is 0700.
"""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path

import msgspec

from contracts.base import Contract
from contracts.cloud import CloudState, ProcessRecord
from local.ground import Ground
from local.plan import CloudOptions, Mechanism
from runtime.locks import file_lock
from runtime.processes import is_running

COMMAND_WAIT_S = 90.0
"""Longest `up` from empty caches holds the lock for as long as it fetches; nobody waits longer than this."""


class Standing(Contract, frozen=True, kw_only=True):
    """`ground.json`: what the cloud was asked to be, where it stands, and who has switched mechanisms off.

    `holder_pid` and `holder_start_ticks` name the process that holds it `without` something and will undo that.
    """

    ground: Ground
    without: tuple[Mechanism, ...]
    ad_nodes: int
    keep: bool
    holder_pid: int = 0
    holder_start_ticks: int = 0

    def options(self) -> CloudOptions:
        """The options it was asked for."""
        return CloudOptions(without=frozenset(self.without), ad_nodes=self.ad_nodes, keep=self.keep)

    def is_left(self) -> bool:
        """Whether mechanisms are off and whoever switched them off is gone."""
        return bool(self.without) and not is_running(self.holder_pid, self.holder_start_ticks)


class CloudFiles:
    """The files of the cloud of one checkout (`root` is the checkout)."""

    def __init__(self, root: Path) -> None:
        self.home = root.resolve() / ".isthmus"
        self.cloud = self.home / "cloud"
        self.state_path = self.cloud / "state.json"
        self.standing_path = self.cloud / "ground.json"

    @contextlib.contextmanager
    def command_lock(self) -> Generator[None]:
        """Held by the one command that brings a cloud up or down. Raises `LockHeldError`."""
        self.home.mkdir(parents=True, exist_ok=True)
        with file_lock(self.home / "cloud.lock", wait_s=COMMAND_WAIT_S):
            yield

    @contextlib.contextmanager
    def run_lock(self) -> Generator[None]:
        """Held by the one command that uses the cloud as its own, for all its time. Raises `LockHeldError`."""
        self.home.mkdir(parents=True, exist_ok=True)
        with file_lock(self.home / "run.lock", wait_s=0):
            yield

    @contextlib.contextmanager
    def state_lock(self) -> Generator[None]:
        """Held for each change of the state; fault healers take it too. Raises `LockHeldError`."""
        with file_lock(Path(f"{self.state_path}.lock"), wait_s=COMMAND_WAIT_S):
            yield

    def read_state(self) -> CloudState | None:
        """The state, or None while there is none that reads: a half-made cloud is no cloud."""
        try:
            return msgspec.json.decode(self.state_path.read_bytes(), type=CloudState)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def write_state(self, state: CloudState) -> None:
        """Replace the state."""
        write_whole(self.state_path, msgspec.json.format(msgspec.json.encode(state)))

    def record(self, record: ProcessRecord) -> None:
        """Put one process into the state, in place of one of the same name."""
        with self.state_lock():
            state = self.read_state()
            if state is None:
                return
            others = tuple(it for it in state.processes if it.name != record.name)
            self.write_state(msgspec.structs.replace(state, processes=(*others, record)))

    def read_standing(self) -> Standing | None:
        """The ground, or None."""
        try:
            return msgspec.json.decode(self.standing_path.read_bytes(), type=Standing)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def write_standing(self, standing: Standing) -> None:
        """Replace the ground."""
        write_whole(self.standing_path, msgspec.json.format(msgspec.json.encode(standing)))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is either the old one or the new one, readable by us alone."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    scratch.replace(path)
