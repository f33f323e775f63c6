"""Driver k3s-ssh: what is run on the hosts, and against mocks of the real SDK how."""

import shlex

import pulumi
import pytest

from infra.drivers.k3s_ssh import agent_script, server_script
from tests.infra.drivers.clouds import cloud
from tests.infra.judged import violations
from tests.infra.stage import Described

# the SDK warns of its own deprecated parts as it is imported
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TOKEN = "t" * 32
VALUES = {
    "sshHost": "10.2.0.10", "sshAgents": '["10.2.0.11", "10.2.0.12"]', "sshKey": "hunter2-key",
    "sshHostKey": "ssh-ed25519 AAAA", "k3sToken": TOKEN, "clusterIdentifier": "shop-private",
    "kubernetesVersion": "v1.34.1+k3s1", "networks": '["10.2.0.0/16"]',
}  # fmt: skip


def k3s(**changed: str) -> Described:
    pytest.importorskip("pulumi_command", reason="the extra infra-ssh is not installed")
    return cloud("k3s-ssh", "private", **{**VALUES, **changed})


def installed(script: str) -> list[str]:
    """The words given to k3s."""
    line = next(it for it in script.splitlines() if "INSTALL_K3S_EXEC" in it)
    word = next(it for it in shlex.split(line) if it.startswith("INSTALL_K3S_EXEC="))
    return shlex.split(word.partition("=")[2])


def test_a_server_encrypts_its_secrets_and_opens_nothing_of_its_own() -> None:
    """No anonymous caller, no ingress, no load balancer, a kubeconfig for root alone, an audit log."""
    words = installed(server_script("10.2.0.10", version="v1"))
    assert words[0] == "server"
    assert {
        "--secrets-encryption", "--write-kubeconfig-mode=600", "--disable=traefik,servicelb",
        "--kube-apiserver-arg=anonymous-auth=false", "--tls-san=10.2.0.10",
    } <= set(words)  # fmt: skip
    assert any("audit-log-path" in word for word in words)


def test_the_token_is_read_from_stdin_into_a_file_for_root_alone() -> None:
    """It is on no command line, of ours or of k3s."""
    for script in (server_script("h", version="v1"), agent_script("h", version="v1")):
        assert "umask 077" in script
        assert "sudo tee /etc/rancher/k3s/join-token >/dev/null" in script
        assert "--token-file=/etc/rancher/k3s/join-token" in installed(script)


def test_root_fetches_nothing_from_the_network() -> None:
    """The installer and the binary are on the host; another version ends the run."""
    for script in (server_script("h", version="v1.2"), agent_script("h", version="v1.2")):
        assert "INSTALL_K3S_SKIP_DOWNLOAD=true" in script
        assert "curl" not in script
        assert script.splitlines()[-1] == "k3s --version | grep -qF v1.2"


def test_a_host_name_cannot_become_a_command() -> None:
    """Whatever stands in the configuration is one word."""
    evil = "h; rm -rf /"
    assert f"--tls-san={evil}" in installed(server_script(evil, version="v1"))
    assert f"--server=https://{evil}:6443" in installed(agent_script(evil, version="v1"))


def test_agents_join_after_the_server_and_go_before_it() -> None:
    """One command each, with its own uninstaller."""
    commands = {it.name: it for it in k3s().all("Command")}
    assert set(commands) == {
        "private-server", "private-agent-0", "private-agent-1", "private-kubeconfig",
    }  # fmt: skip
    assert commands["private-server"].at("delete") == "sudo /usr/local/bin/k3s-uninstall.sh"
    assert "agent-uninstall" in commands["private-agent-0"].at("delete")
    assert commands["private-kubeconfig"].at("delete") is None


def test_keys_and_tokens_are_secret_and_hosts_are_checked() -> None:
    """As inputs and as what the commands print; no unknown host is trusted."""
    for it in k3s().all("Command"):
        assert it.is_secret("connection.privateKey") or it.is_secret("connection")
        assert it.at("connection.hostKey") == "ssh-ed25519 AAAA"
        assert {"stdout", "stderr"} <= set(it.secret_outputs)
        if it.at("stdin") is not None:
            assert it.at("stdin") == TOKEN
            assert it.is_secret("stdin")


def test_a_new_key_does_not_install_again() -> None:
    """Only another version does."""
    for it in k3s().all("Command"):
        assert it.ignored == ("connection",)
        assert it.at("triggers") == ["v1.34.1+k3s1"]


def test_the_kubeconfig_names_the_host_and_the_identifier_stays() -> None:
    """Not the host's own loopback."""
    provider = k3s().one("kubernetes")
    assert "https://10.2.0.10:6443" in provider.at("kubeconfig")
    assert provider.at("clusterIdentifier") == "shop-private"


@pytest.mark.parametrize(
    "key", ["sshHost", "sshKey", "sshHostKey", "k3sToken", "clusterIdentifier"]
)
def test_what_it_cannot_do_without_is_asked_for(key: str) -> None:
    """By its name."""
    with pytest.raises(pulumi.RunError, match=f"isthmus:{key}: missing"):
        cloud("k3s-ssh", "private", **{**VALUES, key: ""})


def test_a_token_that_can_be_guessed_is_refused() -> None:
    """With the command that makes one."""
    with pytest.raises(pulumi.RunError, match=r"isthmus:k3sToken: too short.*openssl rand"):
        cloud("k3s-ssh", "private", **{**VALUES, "k3sToken": "short"})


def test_the_packs_rules_hold() -> None:
    """What this driver describes passes what the project demands of others."""
    assert [str(it) for it in violations(k3s(), "prod-private")] == []
