"""Kubeconfigs as text."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kubeconfig import KubeconfigError, authority_of, reader_kubeconfig, server_of
from tests.infra.stage import KUBECONFIG


def test_the_server_of_the_current_context() -> None:
    """Not of the first cluster in the file."""
    other = KUBECONFIG.replace(
        "clusters: [", 'clusters: [{name: x, cluster: {server: "https://x"}}, '
    )
    assert server_of(other) == "https://10.9.0.2:6443"
    assert authority_of(other) == "Q0E="


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("password: [", "not the YAML"),
        ("kind: Config", "not the YAML"),
        (KUBECONFIG.replace("current-context: one", "current-context: two"), "current context does not"),
        (KUBECONFIG.replace("cluster: c,", "cluster: d,"), "names a cluster"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_says_why(text: str, why: str) -> None:
    """And quotes nothing of it."""
    with pytest.raises(KubeconfigError, match=why) as caught:
        server_of(text)
    assert "password" not in str(caught.value)


def test_a_certificate_in_a_file_is_not_inlined() -> None:
    """A path of this machine means nothing in a pod."""
    with pytest.raises(KubeconfigError, match="not inlined"):
        authority_of(KUBECONFIG.replace(", certificate-authority-data: Q0E=", ""))


@given(st.text())
def test_any_text_is_a_server_or_an_error(text: str) -> None:
    """No text brings down the program."""
    with contextlib.suppress(KubeconfigError):
        server_of(text)


def test_a_readers_kubeconfig_holds_its_token_alone() -> None:
    """Nothing of the administrator's credentials is in it, and our own reader takes it."""
    text = reader_kubeconfig(
        server="https://10.1.0.1:6443", authority="Q0E=", namespace="isthmus", token="t"
    )
    assert server_of(text) == "https://10.1.0.1:6443"
    assert authority_of(text) == "Q0E="
    assert msgspec.json.decode(text)["users"] == [{"name": "reader", "user": {"token": "t"}}]
