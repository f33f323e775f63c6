"""Driver `k3s-ssh`: k3s on hosts that are there, over SSH; the private site on premises.

The k3s installer must be on the hosts as /usr/local/bin/k3s-install.sh with the k3s binary beside it (its
air-gapped way): nothing is fetched by root from the network. Host keys are checked, secrets are encrypted in the
datastore, the join token travels on stdin, and no load balancer or ingress of k3s's own is started. Only ever
run against mocks here.
"""

import dataclasses
import shlex
from types import ModuleType
from typing import Any

import pulumi
from pulumi import Output, ResourceOptions

from infra.config import Settings
from infra.drivers.contract import Cluster, Order, networks_of, provider_for, provider_sdk
from infra.drivers.demands import check_driver
from infra.names import LABEL_SITE

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
    check_driver(order.site, order.environment, settings)
    hosts = _Hosts(
        settings=settings, parent=parent, command=provider_sdk("pulumi_command", "infra-ssh")
    )
    version, first = settings.kubernetes_version, settings.ssh_host
    server = hosts.install(
        f"{name}-server", first, script=server_script(first, version=version), role="", after=[]
    )
    for number, host in enumerate(settings.ssh_agents):
        script = agent_script(first, version=version)
        hosts.install(f"{name}-agent-{number}", host, script=script, role="-agent", after=[server])
    endpoint = f"https://{first}:{PORT}"
    read = hosts.read(f"{name}-kubeconfig", first, after=[server])
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Hosts:
    """Commands on the hosts; the SDK's types are only known where it is installed."""

    settings: Settings
    parent: pulumi.Resource
    command: ModuleType

    def install(self, name: str, host: str, *, script: str, role: str, after: list[Any]) -> Any:
        return self.command.remote.Command(
            name, connection=self._connection(host), create=script,
            delete=f"sudo /usr/local/bin/k3s{role}-uninstall.sh",
            stdin=Output.secret(self.settings.k3s_token),
            triggers=[self.settings.kubernetes_version], opts=self._opts(after),
        )  # fmt: skip

    def read(self, name: str, host: str, *, after: list[Any]) -> Any:
        return self.command.remote.Command(
            name, connection=self._connection(host), create=f"sudo cat {KUBECONFIG_FILE}",
            triggers=[self.settings.kubernetes_version], opts=self._opts(after),
        )  # fmt: skip

    def _connection(self, host: str) -> dict[str, Any]:
        return {
            "host": host, "user": self.settings.ssh_user,
            "private_key": Output.secret(self.settings.ssh_key),
            "host_key": self.settings.ssh_host_key, "dial_error_limit": DIAL_ERRORS_MAX,
        }  # fmt: skip

    def _opts(self, after: list[Any]) -> ResourceOptions:
        timeout = f"{self.settings.create_s}s"
        return ResourceOptions(
            parent=self.parent,
            depends_on=after,
            additional_secret_outputs=["stdout", "stderr"],
            # a new key or user must not install the cluster again
            ignore_changes=["connection"],
            custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete=timeout),
        )
