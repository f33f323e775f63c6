"""A cloud's stack described with its real SDK, and what the cloud would fill in."""

from typing import Any

from pulumi.runtime.mocks import MockResourceArgs

from infra.stacks import build
from tests.infra.stage import KUBECONFIG, Described, Recorder, describe

VALUES = {
    "region": "somewhere-1", "vpcId": "vpc-1", "subnetIds": '["subnet-1", "subnet-2"]',
    "nodeType": "large", "kubernetesVersion": "1.34", "networks": '["10.1.0.0/16"]',
}  # fmt: skip


class Cloud(Recorder):
    """Answers as the clouds and hosts would."""

    def filled(self, args: MockResourceArgs) -> dict[str, Any]:
        match args.typ:
            case "aws:eks/cluster:Cluster":
                return {
                    "arn": "arn:aws:eks:1", "name": "eks-1", "endpoint": "https://x.eks.example",
                    "certificateAuthority": {"data": "Q0E="},
                }  # fmt: skip
            case "aws:ec2/launchTemplate:LaunchTemplate":
                return {"latestVersion": 7}
            case "alicloud:cs/managedKubernetes:ManagedKubernetes":
                return {"connections": [{"apiServerIntranet": "https://10.1.0.2:6443"}]}
            case "command:remote:Command":
                return {"stdout": KUBECONFIG.replace("10.9.0.2", "127.0.0.1")}
            case _:
                return {"arn": f"arn:{args.name}"}

    def call(self, args: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        answer, _ = super().call(args)
        return {**answer, "kubeConfig": KUBECONFIG, "id": "credential"}, []


def cloud(driver: str, site: str = "public", **changed: str) -> Described:
    """The stack of `site` on `driver`."""
    values = {"driver": driver, **VALUES, **changed}
    return describe(build, stack=f"shop-{site}", values=values, recorder=Cloud())
