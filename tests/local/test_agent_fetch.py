"""What a pod names is fetched; tokens are kept while they are fresh."""

import pytest

from local.agent_api import ApiError
from local.agent_fetch import Fetcher
from local.agent_parts import (
    EnvFrom,
    ObjectSource,
    Projected,
    ProjectedPart,
    SourceRef,
    TokenSource,
    Volume,
)
from tests.local.agents import api_server, container, pod, thing

BASE = "/api/v1/namespaces/shop"
TOKENS = f"{BASE}/serviceaccounts/router/token"


def one():
    token = TokenSource(path="token", audience="api", expiration_seconds=3607)
    return pod(
        container(env_from=(EnvFrom(config_map_ref=SourceRef(name="conf", optional=True)),)),
        service_account_name="router",
        volumes=(
            Volume(name="s", secret=ObjectSource(secret_name="key")),
            Volume(
                name="t",
                projected=Projected(sources=(ProjectedPart(service_account_token=token),)),
            ),
        ),
    )


async def test_what_is_there_is_fetched_and_what_is_not_is_left_out() -> None:
    """Whether a missing object matters is the resolver's decision."""
    async with api_server() as (fake, api):
        fake.objects[f"{BASE}/secrets/key"] = thing("key", data={"k": "aGk="})
        fake.objects[TOKENS] = {
            "status": {"token": "t", "expirationTimestamp": "1970-01-01T01:00:00Z"}
        }
        sources = await Fetcher(api).sources(one(), now_s=0.0)
    assert sources.config_maps == {}
    assert sources.secrets["key"].data == {"k": b"hi"}
    assert sources.tokens == {("api", 3607): "t"}
    method, path, body = fake.writes[0]
    assert (method, path) == ("POST", TOKENS)
    assert body["spec"]["audiences"] == ["api"]
    assert body["spec"]["boundObjectRef"]["uid"] == one().metadata.uid


async def test_a_token_is_renewed_after_four_fifths_of_its_life() -> None:
    """Never asked for anew before, never used after its end."""
    async with api_server() as (fake, api):
        fake.objects[TOKENS] = {
            "status": {"token": "t", "expirationTimestamp": "1970-01-01T01:00:00Z"}
        }
        fetcher = Fetcher(api)
        for now_s in (0.0, 2879.0, 2881.0):
            await fetcher.sources(one(), now_s=now_s)
    assert len(fake.writes) == 2


async def test_an_answer_that_is_no_token_is_an_api_error() -> None:
    """The pod waits and says so."""
    async with api_server() as (fake, api):
        fake.objects[TOKENS] = {"status": {}}
        with pytest.raises(ApiError, match="token"):
            await Fetcher(api).sources(one(), now_s=0.0)
