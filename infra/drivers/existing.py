"""Driver `existing`: a cluster that is there already, by its kubeconfig."""

from pathlib import Path

import pulumi

from infra.config import wrong
from infra.drivers.contract import Cluster, Order, need, networks_of, provider_for
from infra.kubeconfig import KubeconfigError, authority_of, server_of


def take_existing(name: str, order: Order, *, parent: pulumi.Resource) -> Cluster:
    """The cluster the kubeconfig names; nothing is made. Raises `ConfigError`."""
    settings = order.settings
    need(settings, "clusterIdentifier")
    text = settings.kubeconfig or _file(order)
    try:
        server = server_of(text)
        authority_of(
            text
        )  # pods get it with their own token: a path of this machine would mean nothing there
    except KubeconfigError as error:
        raise wrong(
            "kubeconfig", what=f"cannot be used: {error}", expected="a kubeconfig with a current context",
            fix="kubectl config view --flatten --minify --raw | pulumi config set --secret isthmus:kubeconfig",
        ) from error  # fmt: skip
    kubeconfig = pulumi.Output.secret(text)
    identifier = pulumi.Output.from_input(settings.cluster_identifier)
    return Cluster(
        kubeconfig=kubeconfig, cluster_identifier=identifier,
        api_endpoint=pulumi.Output.from_input(server), pod_endpoint=pulumi.Output.from_input(server),
        networks=networks_of(settings),
        provider=provider_for(name, kubeconfig, cluster_identifier=identifier, parent=parent),
    )  # fmt: skip


def _file(order: Order) -> str:
    need(order.settings, "kubeconfigFile")
    path = Path(order.root, Path(order.settings.kubeconfig_file).expanduser())
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise wrong(
            "kubeconfigFile", what=f"{path} cannot be read", expected="a kubeconfig",
            fix="correct the path, or set isthmus:kubeconfig",
        ) from error  # fmt: skip
