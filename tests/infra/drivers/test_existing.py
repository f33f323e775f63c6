"""Driver existing: a kubeconfig, from the configuration or a file."""

import pulumi
import pytest

from infra.stacks import build
from tests.infra.stage import KUBECONFIG, describe, existing_values


def test_nothing_is_made_but_a_provider_and_the_floor() -> None:
    """The cluster was there and stays when the stack goes."""
    stack = describe(build, stack="dev-private", values=existing_values())
    assert {it.type for it in stack.made} == {
        "isthmus:infra:PrivateCluster", "pulumi:providers:kubernetes",
        "kubernetes:core/v1:Namespace", "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    }  # fmt: skip


def test_a_kubeconfig_may_stand_in_a_file(tmp_path) -> None:
    """Its text goes into the provider, as a secret."""
    path = tmp_path / "config"
    path.write_text(KUBECONFIG)
    values = existing_values(kubeconfig="", kubeconfigFile=str(path))
    provider = describe(build, stack="dev-public", values=values).one("kubernetes")
    assert provider.at("kubeconfig") == KUBECONFIG


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"clusterIdentifier": ""}, "isthmus:clusterIdentifier: missing"),
        ({"networks": "[]"}, "isthmus:networks: missing"),
        ({"kubeconfig": ""}, "isthmus:kubeconfigFile: missing"),
        ({"kubeconfig": "", "kubeconfigFile": "/nowhere/config"}, "isthmus:kubeconfigFile: /nowhere/config cannot be read"),
        ({"kubeconfig": "hunter2"}, "isthmus:kubeconfig: cannot be used: it is not the YAML"),
        ({"kubeconfig": KUBECONFIG.replace(", certificate-authority-data: Q0E=", "")}, "not inlined"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(changed: dict[str, str], said: str) -> None:
    """Before anything changes, and without the credentials."""
    with pytest.raises(pulumi.RunError, match=said) as caught:
        describe(build, stack="dev-public", values=existing_values(**changed))
    assert "hunter2" not in str(caught.value)
