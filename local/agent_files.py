"""A pod's directory: its record, its volumes; written so that no other user ever sees more than the modes say."""

import shutil
from pathlib import Path

import msgspec

from local.agent_container import ContainerFiles
from local.agent_machine import PodState
from local.agent_sandbox import Sandbox
from local.agent_volumes import VolumeFile

EMPTY_DIR_MODE = 0o777
"""The kubelet's: the containers of a pod may run as different users."""


class PodRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent that comes back needs to know of a pod."""

    namespace: str
    name: str
    uid: str
    state: PodState
    sandbox: Sandbox | None = None


class PodFiles:
    """`<node>/pods/<uid>`: `record.json`, `volumes/`, `containers/`."""

    def __init__(self, pods: Path, uid: str) -> None:
        self.directory = pods / uid
        self.volumes = self.directory / "volumes"
        self._record = self.directory / "record.json"

    def container(self, name: str) -> ContainerFiles:
        """The files of one container."""
        return ContainerFiles(self.directory / "containers" / name)

    def read(self) -> PodRecord | None:
        """The record, or None when there is none that can be read."""
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=PodRecord)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, record: PodRecord) -> None:
        """Keep the record; a reader never sees half of one."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = self._record.with_suffix(".tmp")
        scratch.write_bytes(msgspec.json.encode(record))
        scratch.replace(self._record)

    def write_volume(self, name: str, files: tuple[VolumeFile, ...]) -> None:
        """Make a volume hold these files; what a container put beside them stays (emptyDir)."""
        base = self.volumes / name
        base.mkdir(parents=True, exist_ok=True, mode=0o755)
        if not files:
            base.chmod(EMPTY_DIR_MODE)
        for file in files:
            path = base / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file() and path.read_bytes() == file.data:
                continue
            scratch = path.with_name(f".{path.name}.tmp")
            scratch.unlink(missing_ok=True)
            scratch.touch(mode=file.mode & 0o700)
            scratch.write_bytes(file.data)
            scratch.chmod(file.mode)
            # a bind mount of the directory shows the new file; one of the file itself (subPath) keeps the old
            scratch.replace(path)

    def remove(self) -> None:
        """Drop everything."""
        shutil.rmtree(self.directory, ignore_errors=True)


def stored_pods(pods: Path) -> list[PodRecord]:
    """Every record of a node's directory."""
    found = (PodFiles(pods, path.name).read() for path in pods.iterdir()) if pods.is_dir() else ()
    return [record for record in found if record is not None]
