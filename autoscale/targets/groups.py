"""Node groups of clouds: their minimum is raised, so that no autoscaler takes the nodes back. EKS and ACK, by protocol.

Nothing of a cloud's library is imported: its client is passed in. No cloud run of this has been made.
"""

import threading
from collections.abc import Mapping
from typing import Protocol

import msgspec

from autoscale.targets.pools import GroupSeen

ASK_S = 30.0


class GroupError(Exception):
    """The cloud did not answer as needed, or not at all."""


class NodeGroups(Protocol):
    """One node group."""

    def read(self) -> GroupSeen:
        """Its minimum and maximum. Raises `GroupError`."""
        ...

    def set_minimum(self, minimum: int) -> None:
        """Raise or give back the minimum. Raises `GroupError`."""
        ...


class EksClient(Protocol):
    """The two calls of boto3's EKS client that are used."""

    def describe_nodegroup(self, *, clusterName: str, nodegroupName: str) -> object: ...  # noqa: D102, N803 - boto3's names

    def update_nodegroup_config(  # noqa: D102
        self,
        *,
        clusterName: str,  # noqa: N803 - boto3's names
        nodegroupName: str,  # noqa: N803
        scalingConfig: dict[str, int],  # noqa: N803
    ) -> object: ...


class _EksScaling(msgspec.Struct, frozen=True, rename="camel"):
    min_size: int
    max_size: int
    desired_size: int


class _EksGroup(msgspec.Struct, frozen=True, rename="camel"):
    scaling_config: _EksScaling


class _EksReply(msgspec.Struct, frozen=True):
    nodegroup: _EksGroup


class EksNodeGroup:
    """An EKS managed node group."""

    def __init__(self, client: EksClient, *, cluster: str, group: str) -> None:
        self._client, self._cluster, self._group = client, cluster, group

    def _scaling(self) -> _EksScaling:
        try:
            said = self._client.describe_nodegroup(
                clusterName=self._cluster, nodegroupName=self._group
            )
            return msgspec.convert(said, type=_EksReply).nodegroup.scaling_config
        except Exception as error:
            raise GroupError(f"EKS {self._cluster}/{self._group}: {error}") from error

    def read(self) -> GroupSeen:
        """See `NodeGroups`."""
        scaling = self._scaling()
        return GroupSeen(minimum=scaling.min_size, maximum=scaling.max_size)

    def set_minimum(self, minimum: int) -> None:
        """See `NodeGroups`; the desired size follows up, never down: the autoscaler lets nodes go."""
        scaling = self._scaling()
        wanted = {"minSize": minimum, "desiredSize": max(minimum, scaling.desired_size)}
        try:
            self._client.update_nodegroup_config(
                clusterName=self._cluster, nodegroupName=self._group, scalingConfig=wanted
            )
        except Exception as error:
            raise GroupError(f"EKS {self._cluster}/{self._group}: {error}") from error


class AckClient(Protocol):
    """The two calls of ACK's API that are used; bodies as in its reference."""

    def describe_node_pool(self, cluster: str, pool: str) -> object: ...  # noqa: D102
    def modify_node_pool(self, cluster: str, pool: str, body: Mapping[str, object]) -> object: ...  # noqa: D102


class _AckScaling(msgspec.Struct, frozen=True):
    min_instances: int
    max_instances: int
    enable: bool = True


class _AckPool(msgspec.Struct, frozen=True):
    auto_scaling: _AckScaling


class AckNodePool:
    """An ACK node pool with auto scaling."""

    def __init__(self, client: AckClient, *, cluster: str, group: str) -> None:
        self._client, self._cluster, self._group = client, cluster, group

    def read(self) -> GroupSeen:
        """See `NodeGroups`."""
        try:
            said = self._client.describe_node_pool(self._cluster, self._group)
            scaling = msgspec.convert(said, type=_AckPool).auto_scaling
        except Exception as error:
            raise GroupError(f"ACK {self._cluster}/{self._group}: {error}") from error
        if not scaling.enable:
            raise GroupError(
                f"ACK {self._cluster}/{self._group}: auto scaling is off, so it has no minimum; switch it on"
            )
        return GroupSeen(minimum=scaling.min_instances, maximum=scaling.max_instances)

    def set_minimum(self, minimum: int) -> None:
        """See `NodeGroups`; the maximum is sent along, since the call replaces the whole block."""
        seen = self.read()
        block = {"enable": True, "min_instances": minimum, "max_instances": seen.maximum}
        try:
            self._client.modify_node_pool(self._cluster, self._group, {"auto_scaling": block})
        except Exception as error:
            raise GroupError(f"ACK {self._cluster}/{self._group}: {error}") from error


class Groups:
    """The node groups of all pools, read every half minute in a thread of its own."""

    def __init__(self, by_pool: Mapping[str, NodeGroups]) -> None:
        self._by_pool = dict(by_pool)
        self._lock = threading.Lock()
        self._seen: dict[str, GroupSeen] = {}
        self.errors: dict[str, str] = {}

    def seen(self) -> dict[str, GroupSeen]:
        """What was read last; a group that could not be read is missing."""
        with self._lock:
            return dict(self._seen)

    def read_all(self) -> None:
        """Read every group once."""
        for pool, group in self._by_pool.items():
            try:
                found = group.read()
            except GroupError as error:
                self.errors[pool] = str(error)
                continue
            self.errors.pop(pool, None)
            with self._lock:
                self._seen[pool] = found

    def run(self, stop: threading.Event) -> None:
        """Read until `stop`."""
        while self._by_pool and not stop.is_set():
            self.read_all()
            stop.wait(ASK_S)

    def set_minimum(self, pool: str, minimum: int) -> None:
        """Set one and remember it. Raises `GroupError`."""
        self._by_pool[pool].set_minimum(minimum)
        with self._lock:
            known = self._seen.get(pool)
            if known is not None:
                self._seen[pool] = msgspec.structs.replace(known, minimum=minimum)
