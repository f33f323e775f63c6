"""The clouds' own clients for node groups, where their libraries are installed; each is named when it is missing."""

import importlib
from collections.abc import Iterable, Mapping
from typing import Protocol, cast

from autoscale.control.settings import NodeGroup, PoolSettings
from autoscale.targets.groups import EksClient, EksNodeGroup, NodeGroups


class CloudError(Exception):
    """A cloud's library is not there, or cannot be set up."""


class _Boto(Protocol):
    def client(self, service: str) -> EksClient: ...


def groups_of(pools: Iterable[PoolSettings]) -> Mapping[str, NodeGroups]:
    """The node groups that the settings name. Raises `CloudError`."""
    return {
        pool.name: _group(pool.group)
        for pool in pools
        if pool.strategy == "group" and pool.group is not None
    }


def _group(group: NodeGroup) -> NodeGroups:
    if group.cloud == "ack":
        raise CloudError(
            f"pool group {group.group}: no client of ACK is shipped; expected one passed to "
            "autoscale.targets.groups.AckNodePool. fix: use strategy auto, which needs no cloud client"
        )
    try:
        boto = cast("_Boto", importlib.import_module("boto3"))
        return EksNodeGroup(boto.client("eks"), cluster=group.cluster, group=group.group)
    except Exception as error:
        raise CloudError(
            f"pool group {group.group}: {error}; expected boto3 and AWS credentials. "
            "fix: install boto3, or use strategy auto"
        ) from error
