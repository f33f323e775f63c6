"""Clients of clouds, where their libraries are."""

import sys
import types

import pytest

from autoscale.control.settings import NodeGroup, PoolSettings
from autoscale.targets.clouds import CloudError, groups_of
from autoscale.targets.groups import EksNodeGroup


def pool(cloud: str) -> PoolSettings:
    return PoolSettings(
        name="ads", strategy="group", group=NodeGroup(cloud=cloud, cluster="c", group="g")
    )


def test_only_pools_by_group_need_a_cloud() -> None:
    """The others name none."""
    assert groups_of([PoolSettings(name="ads")]) == {}


def test_a_missing_library_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, not at the first promotion."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(CloudError, match="install boto3, or use strategy auto"):
        groups_of([pool("eks")])
    with pytest.raises(CloudError, match="no client of ACK is shipped"):
        groups_of([pool("ack")])


def test_eks_is_asked_through_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client of the service `eks`."""
    boto = types.ModuleType("boto3")
    boto.client = lambda service: service  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "boto3", boto)
    assert isinstance(groups_of([pool("eks")])["ads"], EksNodeGroup)
