"""Driver `k3s-ssh`: k3s on hosts that are there, over SSH; the private site on premises.

The k3s installer must be on the hosts as /usr/local/bin/k3s-install.sh with the k3s binary beside it (its
air-gapped way): nothing is fetched by root from the network. Host keys are checked, secrets are encrypted in the
datastore, the join token travels on stdin, and no load balancer or ingress of k3s's own is started. Only ever
run against mocks here.
"""

import shlex
from typing import Any

import pulumi
from pulumi import Output, ResourceOptions

from infra.config import wrong
from infra.drivers.contract import (
    Cluster,
    Order,
    need,
    networks_of,
    provider_for,
    provider_sdk,
)
from infra.names import LABEL_SITE

TOKEN_CHARS_MIN = 32
TOKEN_FILE = "/etc/rancher/k3s/join-token"  # noqa: S105 - a path
KUBECONFIG_FILE = "/etc/rancher/k3s/k3s.yaml"
PORT = 6443
DIAL_ERRORS_MAX = 12
"""The SDK waits up to 15 s between tries: three minutes for a host that boots."""

_SERVER_FLAGS = (
    "--secrets-encryption",
    "--write-kubeconfig-mode=600",
    "--disable=traefik,servicelb",
    "--kube-apiserver-arg=anonymous-auth=false",
    "--kube-apiserver-arg=audit-log-path=/var/log/k3s-audit.log",
)


def server_script(host: str, *, version: str) -> str:
    """What installs the server; the token is read from stdin."""
    flags = (*_SERVER_FLAGS, f"--tls-san={host}", f"--node-label={LABEL_SITE}=private")
    return _script("server", flags, version=version)


def agent_script(server: str, *, version: str) -> str:
    """What joins an agent; the token is read from stdin."""
    flags = (f"--server=https://{server}:{PORT}", f"--node-label={LABEL_SITE}=private")
    return _script("agent", flags, version=version)


def _script(role: str, flags: tuple[str, ...], *, version: str) -> str:
    words = shlex.join([role, f"--token-file={TOKEN_FILE}", *flags])
    return "\n".join(
        [
            "set -eu",
            "umask 077",
            f"sudo mkdir -p {shlex.quote(TOKEN_FILE.rpartition('/')[0])}",
            f"sudo tee {TOKEN_FILE} >/dev/null",
            f"sudo chmod 600 {TOKEN_FILE}",
            f"sudo env INSTALL_K3S_SKIP_DOWNLOAD=true INSTALL_K3S_EXEC={shlex.quote(words)} /usr/local/bin/k3s-install.sh",
            f"k3s --version | grep -qF {shlex.quote(version)}",
        ]
    )


def make_k3s(name: str, order: Order, *, parent: pulumi.Resource) -> Cluster:
    """A server and its agents. Raises `ConfigError`."""
    settings = order.settings
    need(
        settings, "sshHost", "sshKey", "sshHostKey", "k3sToken", "kubernetesVersion",
        "clusterIdentifier", "networks",
    )  # fmt: skip
    if len(settings.k3s_token) < TOKEN_CHARS_MIN:
        raise wrong(
            "k3sToken", what="too short", expected=f"at least {TOKEN_CHARS_MIN} random characters",
            fix="openssl rand -hex 32 | pulumi config set --secret isthmus:k3sToken",
        )  # fmt: skip
    command = provider_sdk("pulumi_command", "infra-ssh")
    timeout = f"{settings.create_s}s"
    opts = ResourceOptions(
        parent=parent,
        custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete=timeout),
        additional_secret_outputs=["stdout", "stderr"],
    )

    def run(title: str, host: str, *, create: str, delete: str | None, after: list[Any]) -> Any:
        return command.remote.Command(
            title,
            connection={
                "host": host, "user": settings.ssh_user,
                "private_key": Output.secret(settings.ssh_key),
                "host_key": settings.ssh_host_key, "dial_error_limit": DIAL_ERRORS_MAX,
            },
            create=create,
            delete=delete,
            stdin=Output.secret(settings.k3s_token) if delete else None,
            triggers=[settings.kubernetes_version],
            opts=ResourceOptions.merge(
                opts,
                # a new key or user must not install the cluster again
                ResourceOptions(depends_on=after, ignore_changes=["connection"]),
            ),
        )  # fmt: skip

    version = settings.kubernetes_version
    server = run(
        f"{name}-server", settings.ssh_host, create=server_script(settings.ssh_host, version=version),
        delete="sudo /usr/local/bin/k3s-uninstall.sh", after=[],
    )  # fmt: skip
    for number, host in enumerate(settings.ssh_agents):
        run(
            f"{name}-agent-{number}", host, create=agent_script(settings.ssh_host, version=version),
            delete="sudo /usr/local/bin/k3s-agent-uninstall.sh", after=[server],
        )  # fmt: skip
    read = run(
        f"{name}-kubeconfig", settings.ssh_host, create=f"sudo cat {KUBECONFIG_FILE}", delete=None,
        after=[server],
    )  # fmt: skip
    endpoint = f"https://{settings.ssh_host}:{PORT}"
    kubeconfig = Output.secret(
        Output.format("{0}", read.stdout).apply(
            lambda text: text.replace(f"https://127.0.0.1:{PORT}", endpoint)
        )
    )
    identifier = Output.from_input(settings.cluster_identifier)
    return Cluster(
        kubeconfig=kubeconfig, cluster_identifier=identifier,
        api_endpoint=Output.from_input(endpoint), pod_endpoint=Output.from_input(endpoint),
        networks=networks_of(settings),
        provider=provider_for(name, kubeconfig, cluster_identifier=identifier, parent=parent),
    )  # fmt: skip
