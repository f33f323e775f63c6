"""Registering, renewing, and speaking up."""

import asyncio
import contextlib

import msgspec

from local.agent_membership import LEASES, Membership, this_host
from local.agent_node import Node, ObservedNodeStatus
from local.agent_objects import Condition, Meta
from tests.local.agents import api_server, settings, thing

NODE = "/api/v1/nodes/ads-1"
LEASE = f"{LEASES}/ads-1"


def quick(api) -> Membership:
    return Membership(api, settings(lease_s=0.01), lambda: 5.0)


async def test_a_new_node_is_created_and_reported_ready() -> None:
    """One object, one status."""
    async with api_server() as (fake, api):
        fake.objects[NODE] = thing("ads-1")
        member = quick(api)
        await member.register()
    assert member.uid == "uid-ads-1"
    assert [(method, path) for method, path, _ in fake.writes] == [
        ("POST", "/api/v1/nodes"), ("PATCH", f"{NODE}/status"),
    ]  # fmt: skip


async def test_an_earlier_node_is_taken_over_with_its_labels_made_right() -> None:
    """An agent that comes back does not stumble over its own node."""
    async with api_server() as (fake, api):
        fake.objects[NODE] = thing("ads-1")
        fake.refusals["POST", "/api/v1/nodes"] = [409]
        await quick(api).register()
    _, path, body = fake.writes[0]
    assert path == NODE
    assert body["metadata"]["labels"]["isthmus.dev/pool"] == "ads"


async def test_an_api_that_is_not_there_yet_is_tried_again() -> None:
    """Agent and control plane start together."""
    async with api_server() as (fake, api):
        fake.objects[NODE] = thing("ads-1")
        fake.refusals["POST", "/api/v1/nodes"] = [503]
        async with asyncio.timeout(10):
            await quick(api).register()


async def test_the_lease_is_made_once_and_renewed_until_the_node_is_deleted() -> None:
    """A refusal in between does not end it."""
    async with api_server() as (fake, api):
        fake.refusals["PATCH", LEASE] = [404, 500]
        member = quick(api)
        task = asyncio.get_running_loop().create_task(member.renew())
        async with asyncio.timeout(10):
            while len(fake.writes) < 4:  # noqa: ASYNC110 -- what another task counts
                await asyncio.sleep(0.01)
        await member.check(None)
        async with asyncio.timeout(10):
            await task
    assert [path for method, path, _ in fake.writes if method == "POST"] == [LEASES]
    assert fake.writes[-1][1] == LEASE


async def test_only_a_node_thought_dead_speaks_up() -> None:
    """A status is no heartbeat: the lease is."""
    async with api_server() as (fake, api):
        member = quick(api)
        for status, writes in (("True", 0), ("Unknown", 1)):
            seen = ObservedNodeStatus(conditions=(Condition(type="Ready", status=status),))
            await member.check(Node(metadata=Meta(), status=seen))
            assert len(fake.writes) == writes
        fake.refusals["PATCH", f"{NODE}/status"] = [500]
        with contextlib.nullcontext():
            await member.check(Node(metadata=Meta()))


def test_the_host_is_described() -> None:
    """Every field the API requires has a value."""
    assert all(msgspec.structs.astuple(this_host()))
