"""What is known of one kind: fed by a reflector and by our own writes, read whole by each pass."""

import threading
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

import msgspec

from autoscale.kube.objects import Meta


class Kept(Protocol):
    """Anything with metadata."""

    @property
    def metadata(self) -> Meta:
        """Its metadata."""
        ...


T = TypeVar("T", bound=Kept)


class Store(Generic[T]):
    """Objects by `namespace/name`; `changed` is called after each change, from whatever thread made it."""

    def __init__(self, kind: type[T], changed: Callable[[], None] = lambda: None) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self._changed = changed
        self._lock = threading.Lock()
        self._objects: dict[str, T] = {}
        self._synced = threading.Event()
        self.unreadable = 0

    @property
    def synced(self) -> bool:
        """Whether a whole list was seen."""
        return self._synced.is_set()

    def snapshot(self) -> dict[str, T]:
        """Everything known now; the caller's own."""
        with self._lock:
            return dict(self._objects)

    def replace(self, items: Iterable[bytes]) -> None:
        """A whole list: what is not in it is gone."""
        found = [one for one in map(self._decode, items) if one is not None]
        with self._lock:
            self._objects = {one.metadata.key: one for one in found}
        self._synced.set()
        self._changed()

    def put(self, item: bytes) -> None:
        """One object as it is now; an older one than is known is dropped, since answers overtake watches."""
        one = self._decode(item)
        if one is None:
            return
        with self._lock:
            known = self._objects.get(one.metadata.key)
            if known is not None and _is_older(one.metadata, known.metadata):
                return
            self._objects[one.metadata.key] = one
        self._changed()

    def drop(self, item: bytes) -> None:
        """One object is gone; not one that was made again under its name meanwhile."""
        one = self._decode(item)
        if one is None:
            return
        with self._lock:
            known = self._objects.get(one.metadata.key)
            if known is None or known.metadata.uid != one.metadata.uid:
                return
            del self._objects[one.metadata.key]
        self._changed()

    def _decode(self, item: bytes) -> T | None:
        try:
            return self._decoder.decode(item)
        except msgspec.MsgspecError:
            self.unreadable += 1
            return None


def _is_older(one: Meta, known: Meta) -> bool:
    """By resource version, which Kubernetes compares as numbers since 1.35; of another life it is newer."""
    mine, theirs = one.resource_version, known.resource_version
    if one.uid != known.uid or not (mine.isdigit() and theirs.isdigit()):
        return False
    return int(mine) < int(theirs)
