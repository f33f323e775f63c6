"""Who reads endpoints may read endpoints, in one namespace, with a token of its own."""

import msgspec
import pulumi
import pytest

from infra.readers import _kubeconfig
from tests.infra.fabrics import described
from tests.infra.stage import KUBECONFIG, TOKEN_BASE64


def test_a_reader_may_get_list_and_watch_endpoint_slices_and_no_more() -> None:
    """A Role, never a ClusterRole; no wildcard."""
    stack = described()
    assert not stack.all("ClusterRole")
    assert not stack.all("ClusterRoleBinding")
    roles = stack.all("Role")
    assert len(roles) == 3
    for role in roles:
        assert role.at("rules") == [
            {
                "apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"],
                "verbs": ["get", "list", "watch"],
            }
        ]  # fmt: skip


def test_the_core_reads_both_clusters_and_the_edge_its_own() -> None:
    """The edge has no credential of a private site."""
    stack = described()
    edge = stack.one("Secret", "public-router-edge-kubeconfigs").at("stringData")
    core = stack.one("Secret", "private-router-core-kubeconfigs").at("stringData")
    assert set(edge) == {"public"}
    assert set(core) == {"public", "private"}
    assert "10.2." not in edge["public"]


def test_a_readers_credentials_are_not_the_administrators() -> None:
    """The pods get the reader's token, and the address pods can reach."""
    stack = described()
    for name in ("public-router-edge-kubeconfigs", "private-router-core-kubeconfigs"):
        secret = stack.one("Secret", name)
        assert secret.is_secret("stringData.public")
        for text in secret.at("stringData").values():
            assert "admin-token" not in text
            assert msgspec.json.decode(text)["users"][0]["user"] == {"token": "a-token"}
    core = msgspec.json.decode(
        stack.one("Secret", "private-router-core-kubeconfigs").at("stringData")["public"]
    )
    assert core["clusters"][0]["cluster"]["server"] == "https://10.1.0.1:6443"


def test_the_tokens_secret_is_secret_in_the_state_too() -> None:
    """What the controller fills in is an output: it is declared secret."""
    tokens = [it for it in described().all("Secret") if it.name.endswith("-token")]
    assert len(tokens) == 3
    assert all("data" in it.secret_outputs for it in tokens)


def test_a_token_that_was_not_filled_ends_the_run() -> None:
    """A router without endpoints would answer 503 to everything."""
    with pytest.raises(pulumi.RunError, match="was not filled"):
        _kubeconfig([{}, KUBECONFIG, "https://10.1.0.1:6443"])


def test_a_ca_that_is_not_inlined_ends_the_run() -> None:
    """With the command that inlines it."""
    text = KUBECONFIG.replace(", certificate-authority-data: Q0E=", "")
    with pytest.raises(pulumi.RunError, match="flatten"):
        _kubeconfig([{"token": TOKEN_BASE64}, text, "https://10.1.0.1:6443"])
