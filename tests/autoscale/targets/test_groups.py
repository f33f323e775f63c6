"""Node groups of clouds, on mocks of their clients."""

import threading

import pytest

from autoscale.targets.groups import AckNodePool, EksNodeGroup, GroupError, Groups
from autoscale.targets.pools import GroupSeen


class Eks:
    """boto3's EKS client, as its reference has it."""

    def __init__(self) -> None:
        self.scaling = {"minSize": 2, "maxSize": 9, "desiredSize": 3}
        self.updates: list[dict[str, int]] = []
        self.fails = False

    def describe_nodegroup(self, *, clusterName: str, nodegroupName: str) -> object:  # noqa: N803
        if self.fails:
            raise RuntimeError("throttled")
        assert (clusterName, nodegroupName) == ("prod", "ads")
        return {
            "nodegroup": {
                "nodegroupName": "ads",
                "status": "ACTIVE",
                "scalingConfig": dict(self.scaling),
            }
        }

    def update_nodegroup_config(
        self,
        *,
        clusterName: str,  # noqa: N803
        nodegroupName: str,  # noqa: N803
        scalingConfig: dict[str, int],  # noqa: N803
    ) -> object:
        self.updates.append(scalingConfig)
        self.scaling |= scalingConfig
        return {"update": {"status": "InProgress"}}


class Ack:
    """ACK's two calls."""

    def __init__(self, *, enable: bool = True) -> None:
        self.block: dict[str, object] = {"enable": enable, "min_instances": 1, "max_instances": 7}

    def describe_node_pool(self, cluster: str, pool: str) -> object:
        return {"nodepool_info": {"nodepool_id": pool}, "auto_scaling": dict(self.block)}

    def modify_node_pool(
        self, cluster: str, pool: str, body: dict[str, dict[str, object]]
    ) -> object:
        self.block = body["auto_scaling"]
        return {}


def test_eks_raises_the_minimum_and_what_is_desired_with_it() -> None:
    """Giving back lowers the minimum only: which nodes go is the autoscaler's."""
    eks = Eks()
    group = EksNodeGroup(eks, cluster="prod", group="ads")
    assert group.read() == GroupSeen(minimum=2, maximum=9)
    group.set_minimum(6)
    group.set_minimum(2)
    assert eks.updates == [{"minSize": 6, "desiredSize": 6}, {"minSize": 2, "desiredSize": 6}]


def test_ack_sends_the_whole_block() -> None:
    """The call replaces it: a maximum left out would be gone."""
    ack = Ack()
    pool = AckNodePool(ack, cluster="c", group="p")
    assert pool.read() == GroupSeen(minimum=1, maximum=7)
    pool.set_minimum(5)
    assert ack.block == {"enable": True, "min_instances": 5, "max_instances": 7}
    with pytest.raises(GroupError, match="switch it on"):
        AckNodePool(Ack(enable=False), cluster="c", group="p").read()


def test_a_cloud_that_does_not_answer_loses_nothing() -> None:
    """What was read last stays, with the error beside it."""
    eks = Eks()
    groups = Groups({"ads": EksNodeGroup(eks, cluster="prod", group="ads")})
    groups.read_all()
    eks.fails = True
    groups.read_all()
    assert groups.seen() == {"ads": GroupSeen(minimum=2, maximum=9)}
    assert "throttled" in groups.errors["ads"]
    with pytest.raises(GroupError, match="throttled"):
        groups.set_minimum("ads", 5)
    eks.fails = False
    groups.set_minimum("ads", 5)
    assert groups.seen()["ads"].minimum == 5
    groups.read_all()
    assert groups.errors == {}


def test_without_groups_nobody_is_asked() -> None:
    """The thread ends at once."""
    Groups({}).run(threading.Event())
