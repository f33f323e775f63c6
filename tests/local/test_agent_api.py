"""The API client: paging, errors, watches, kubeconfigs."""

import base64
import socket
import ssl
from contextlib import aclosing

import pytest

from local.agent_api import (
    PAGE,
    Api,
    ApiError,
    KubeconfigError,
    read_access,
    write_identity,
)
from local.agent_objects import ConfigMap, Pod
from tests.local.agents import api_server, thing

PODS = "/api/v1/pods"
KUBECONFIG = """
current-context: c
contexts: [{{name: c, context: {{cluster: k, user: u}}}}]
clusters: [{{name: k, cluster: {{server: "https://10.96.0.2:6443", {ca}}}}}]
users: [{{name: u, user: {{client-certificate-data: {data}, client-key-data: {data}}}}}]
"""
DATA = base64.b64encode(b"PEM").decode()


async def test_a_list_is_read_page_by_page() -> None:
    """By uid, with the version of the collection."""
    async with api_server() as (fake, api):
        fake.lists[PODS] = [thing(f"p{number}") for number in range(PAGE + 3)]
        found, version = await api.list(PODS, Pod, params={})
    assert (len(found), version) == (PAGE + 3, "7")
    assert fake.pages == ["", str(PAGE)]
    assert found["uid-p0"].metadata.name == "p0"


async def test_an_empty_collection_is_empty() -> None:
    """No items is no error."""
    async with api_server() as (fake, api):
        fake.lists[PODS] = []
        assert await api.list(PODS, Pod, params={}) == ({}, "7")


async def test_refusals_carry_status_and_message() -> None:
    """404 is None where it may be; everything else is an error."""
    async with api_server() as (fake, api):
        assert await api.find("/none", ConfigMap) is None
        fake.refusals["GET", "/none"] = [403, 403]
        with pytest.raises(ApiError, match="403: no") as caught:
            await api.find("/none", ConfigMap)
        assert caught.value.status == 403
        with pytest.raises(ApiError):
            await api.get("/none", ConfigMap)


async def test_a_server_that_is_not_there_is_status_0() -> None:
    """A connection refused is told from a refusal."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with Api(server, ssl.create_default_context()) as api:
            with pytest.raises(ApiError) as caught:
                await api.get("/x", ConfigMap)
    assert caught.value.status == 0


async def test_a_merge_patch_is_sent_as_one() -> None:
    """With its own content type, or the server would read another kind of patch."""
    async with api_server() as (fake, api):
        await api.merge("/x/status", {"status": {"phase": "Running"}})
        assert fake.writes == [("PATCH", "/x/status", {"status": {"phase": "Running"}})]
        assert fake.kinds == ["application/merge-patch+json"]


async def test_a_watch_gives_events_until_the_server_ends_it() -> None:
    """It asks for bookmarks and goes on from the version given."""
    async with api_server() as (fake, api):
        fake.send("ADDED", thing("a"))
        fake.send("BOOKMARK", {"metadata": {"resourceVersion": "9"}})
        fake.end_watch()
        async with aclosing(api.watch(PODS, params={"resourceVersion": "7"})) as events:
            kinds = [event.type async for event in events]
        path, query = await fake.watches.get()
    assert kinds == ["ADDED", "BOOKMARK"]
    assert path == PODS
    assert (query["resourceVersion"], query["allowWatchBookmarks"]) == ("7", "true")


def test_a_kubeconfig_inlined_or_by_file(tmp_path) -> None:
    """Relative files are found beside it; keys are written for their owner alone."""
    path = tmp_path / "kubeconfig"
    (tmp_path / "ca.crt").write_bytes(b"CA")
    path.write_text(KUBECONFIG.format(ca="certificate-authority: ca.crt", data=DATA))
    access = read_access(path)
    assert (access.server, access.ca, access.key) == ("https://10.96.0.2:6443", b"CA", b"PEM")
    for file in write_identity(access, tmp_path):
        assert file.read_bytes() == b"PEM"
        assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    ["", "current-context: c", KUBECONFIG.format(ca="x: y", data=DATA),
     KUBECONFIG.format(ca=f"certificate-authority-data: {DATA}", data="'%%%'"),
     KUBECONFIG.format(ca=f"certificate-authority-data: {DATA}", data=DATA).replace(
         "current-context: c", "current-context: z")],
)  # fmt: skip
def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path, text) -> None:
    """File and expectation, before anything starts."""
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(KubeconfigError, match=r"kubeconfig: .*expected a current context"):
        read_access(path)
