"""Kubeconfigs as text."""

import base64
import contextlib
import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kubeconfig import (
    KubeconfigError,
    authority_of,
    check_current,
    reader_kubeconfig,
    server_of,
)
from tests.infra.certs import kubeconfig_until
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


NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def with_token(token: str) -> str:
    return kubeconfig_until(NOW + DAY).replace("client-certificate-data: ", f"token: {token}, x: ")


def jwt(claims: object) -> str:
    body = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode().rstrip("=")
    return f"e30.{body}.c2ln"


def test_a_client_certificate_is_good_between_its_ends() -> None:
    """Outside them it is named with the moment, and nothing of it is shown."""
    check_current(kubeconfig_until(NOW + DAY), NOW)
    with pytest.raises(KubeconfigError, match=r"client certificate ended 2026-11-24 12:00 UTC"):
        check_current(kubeconfig_until(NOW - DAY), NOW)
    with pytest.raises(KubeconfigError, match=r"begins only 2026-11-26 12:00 UTC"):
        check_current(kubeconfig_until(NOW + 366 * DAY), NOW)


@pytest.mark.parametrize(
    "token", ["opaque", "a.b.c", jwt({"sub": "x"}), jwt({"exp": NOW.timestamp() + 1}), jwt([1])]
)
def test_a_token_that_does_not_say_that_it_ended_passes(token: str) -> None:
    """Only the server knows more."""
    check_current(with_token(token), NOW)


def test_a_token_that_ended_is_named() -> None:
    """By the claim exp of RFC 7519."""
    with pytest.raises(KubeconfigError, match="its token ended 2026-11-25 11:59 UTC"):
        check_current(with_token(jwt({"exp": NOW.timestamp() - 60})), NOW)


def test_credentials_that_a_command_gives_are_not_judged() -> None:
    """Nor those of a user that is not there: the server will say."""
    text = kubeconfig_until(NOW - DAY)
    check_current(text.replace("user: u}}]", "user: other}}]"), NOW)
    start = text.index("users:")
    check_current(text[:start] + "users: [{name: u, user: {exec: {command: aws}}}]\n", NOW)
    with pytest.raises(KubeconfigError, match="cannot be read"):
        check_current(text[:start] + "users: [{name: u, user: {client-certificate-data: Q0E=}}]\n", NOW)  # fmt: skip
