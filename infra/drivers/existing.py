"""Driver `existing`: a cluster that is there already, by its kubeconfig."""

import datetime as dt
from pathlib import Path

import pulumi

from infra.config import Settings, wrong
from infra.drivers.contract import Cluster, Order, networks_of, provider_for
from infra.drivers.demands import check_driver
from infra.kubeconfig import KubeconfigError, authority_of, check_current, server_of


def take_existing(name: str, order: Order, *, parent: pulumi.Resource) -> Cluster:
    """The cluster the kubeconfig names; nothing is made. Raises `ConfigError`."""
    settings = order.settings
    check_driver(order.site, order.environment, settings)
    text = kubeconfig_text(settings, order.root)
    server = usable(text, dt.datetime.now(dt.UTC))
    kubeconfig = pulumi.Output.secret(text)
    identifier = pulumi.Output.from_input(settings.cluster_identifier)
    return Cluster(
        kubeconfig=kubeconfig, cluster_identifier=identifier,
        api_endpoint=pulumi.Output.from_input(server), pod_endpoint=pulumi.Output.from_input(server),
        networks=networks_of(settings),
        provider=provider_for(name, kubeconfig, cluster_identifier=identifier, parent=parent),
    )  # fmt: skip


def usable(text: str, now: dt.datetime) -> str:
    """The API server's URL, if the kubeconfig will do. Raises `ConfigError`."""
    try:
        server = server_of(text)
        # pods get it with their own token: a path of this machine would mean nothing there
        authority_of(text)
        check_current(text, now)
    except KubeconfigError as error:
        raise wrong(
            "kubeconfig", what=f"cannot be used: {error}", expected="a kubeconfig with a current context and valid credentials",
            fix="kubectl config view --flatten --minify --raw | pulumi config set --secret isthmus:kubeconfig",
        ) from error  # fmt: skip
    return server


def kubeconfig_text(settings: Settings, root: Path) -> str:
    """The kubeconfig as configured, from the stack or from its file. Raises `ConfigError`."""
    if settings.kubeconfig:
        return settings.kubeconfig
    path = Path(root, Path(settings.kubeconfig_file).expanduser())
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise wrong(
            "kubeconfigFile", what=f"{path} cannot be read", expected="a kubeconfig",
            fix="correct the path, or set isthmus:kubeconfig",
        ) from error  # fmt: skip
