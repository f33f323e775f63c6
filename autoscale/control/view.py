"""The caches of the controller: one store per kind, kept by reflectors, or filled by hand for one pass."""

import random
import threading
from collections.abc import Callable
from typing import cast

import msgspec

from autoscale.control.clock import Clock
from autoscale.kube.objects import (
    Buffer,
    EndpointSlice,
    Hpa,
    Node,
    PromotionObject,
    Scalable,
    ScaledObject,
    Service,
)
from autoscale.kube.ports import NOT_FOUND, Ask, RefusedError, Transport, checked
from autoscale.kube.reflector import Pace, Reflector
from autoscale.kube.resources import (
    BUFFER_GROUP,
    BUFFER_VERSIONS,
    DEPLOYMENTS,
    HPAS,
    NODES,
    PROMOTIONS,
    SCALED_OBJECTS,
    SERVICES,
    SLICES,
    STATEFUL_SETS,
    Resource,
    buffers,
)
from autoscale.kube.store import Kept, Store
from autoscale.targets.snapshot import Snapshot

DISCOVER_S = 5.0


class _Version(msgspec.Struct, frozen=True):
    version: str = ""


class _Group(msgspec.Struct, frozen=True):
    versions: tuple[_Version, ...] = ()


def served_buffers(transport: Transport) -> str:
    """The newest version of CapacityBuffer that is served and known; empty for none. Raises as `ask` does."""
    ask = Ask(method="GET", path=f"/apis/{BUFFER_GROUP}")
    try:
        body = checked(transport.ask(ask, timeout_s=DISCOVER_S))
    except RefusedError:
        return ""
    served = {one.version for one in msgspec.json.decode(body, type=_Group).versions}
    return next((version for version in BUFFER_VERSIONS if version in served), "")


class View:
    """Every store; `changed` is called from any thread when one of them changes."""

    def __init__(
        self, transport: Transport, *, changed: Callable[[], None], clock: Clock,
        chance: random.Random, buffer_version: str = "",
    ) -> None:  # fmt: skip
        self.buffer_version = buffer_version
        self.promotions = Store(PromotionObject, changed)
        self.hpas, self.scaled_objects = Store(Hpa, changed), Store(ScaledObject, changed)
        self.deployments, self.stateful_sets = Store(Scalable, changed), Store(Scalable, changed)
        self.nodes, self.services = Store(Node, changed), Store(Service, changed)
        self.slices, self.buffers = Store(EndpointSlice, changed), Store(Buffer, changed)
        kinds: list[tuple[Resource, object]] = [
            (PROMOTIONS, self.promotions), (HPAS, self.hpas), (DEPLOYMENTS, self.deployments),
            (STATEFUL_SETS, self.stateful_sets), (NODES, self.nodes), (SERVICES, self.services),
            (SLICES, self.slices), (SCALED_OBJECTS, self.scaled_objects),
        ]  # fmt: skip
        if buffer_version:
            kinds.append((buffers(buffer_version), self.buffers))
        self._stores = {resource.kind: cast("Store[Kept]", store) for resource, store in kinds}
        self.reflectors = {
            resource.kind: Reflector(
                transport, resource, cast("Store[Kept]", store),
                pace=Pace(clock, chance, optional=resource in {SCALED_OBJECTS, PROMOTIONS}),
            )
            for resource, store in kinds
        }  # fmt: skip

    @property
    def synced(self) -> bool:
        """Whether every kind was listed once."""
        return all(store.synced for store in self._stores.values())

    def start(self, stop: threading.Event) -> list[threading.Thread]:
        """A thread per kind, until `stop`."""
        threads = [
            threading.Thread(target=one.run, args=(stop,), name=f"watch-{kind}", daemon=True)
            for kind, one in self.reflectors.items()
        ]
        for thread in threads:
            thread.start()
        return threads

    def fill(self) -> None:
        """List everything now, without watching. Raises `RefusedError`, `UnreachableError`."""
        for kind, one in self.reflectors.items():
            try:
                one.list_once()
            except RefusedError as error:
                if error.status != NOT_FOUND or kind != SCALED_OBJECTS.kind:
                    raise
                self._stores[kind].replace(())

    def took(self, kind: str, answer: bytes, *, gone: bool = False) -> None:
        """The answer to a write of ours: known at once, not only when the watch tells."""
        store = self._stores.get(kind)
        if store is not None and not gone:
            store.put(answer)

    def snapshot(self) -> Snapshot:
        """Everything as it is known now."""
        return Snapshot(
            promotions=self.promotions.snapshot(), hpas=self.hpas.snapshot(),
            deployments=self.deployments.snapshot(), stateful_sets=self.stateful_sets.snapshot(),
            scaled_objects=self.scaled_objects.snapshot(), nodes=self.nodes.snapshot(),
            services=self.services.snapshot(), slices=self.slices.snapshot(),
            buffers=self.buffers.snapshot(), buffer_version=self.buffer_version,
        )  # fmt: skip
