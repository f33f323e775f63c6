"""A pod's network: names, and (as root) a real namespace that goes again."""

import asyncio
import os

import pytest

from local.agent_sandbox import (
    NetworkError,
    exists,
    raise_links,
    run_tool,
    sandbox_of,
    set_up,
    set_up_node,
    tear_down,
)
from tests.local.agents import settings

NET = f"10.{150 + os.getpid() % 50}"
"""Runs side by side do not take one another's addresses; clusters have 10.96 to 10.127."""
UID = "0a1b2c3d-ffff-4000-8000-000000000001"


def test_names_come_from_the_uid_and_fit_the_kernel() -> None:
    """15 characters at most; the convention of the clusters."""
    sandbox = sandbox_of(settings(), UID, "10.97.1.2")
    assert sandbox.namespace == "isab12-0a1b2c3d"
    assert len(sandbox.interface) <= 15
    assert sandbox.path == "/run/netns/isab12-0a1b2c3d"


async def test_a_tool_that_fails_or_is_missing_is_named() -> None:
    """With what it said, or how to get it."""
    with pytest.raises(NetworkError, match="nothing-such"):
        await run_tool(("ip", "link", "show", "nothing-such"))
    with pytest.raises(NetworkError, match="apt-get install"):
        await run_tool(("isthmus-no-tool",))
    assert await run_tool(("cat",), text="x") == "x"


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
async def test_a_sandbox_is_reachable_from_the_bridge_and_leaves_nothing() -> None:
    """Made twice it is as made once; taken away twice it is gone."""
    pid = os.getpid()
    bridge, prefix = f"ist{pid}", f"ist{pid}"
    node = settings(
        bridge=bridge, namespace_prefix=prefix, network=f"{NET}.1.0/24",
        site_network=f"{NET}.0.0/16", gateway=f"{NET}.0.1",
    )  # fmt: skip
    sandbox = sandbox_of(node, UID, f"{NET}.1.2")
    await run_tool(("ip", "link", "add", bridge, "type", "bridge"))
    try:
        await run_tool(("ip", "address", "add", f"{NET}.0.1/16", "dev", bridge))
        await run_tool(("ip", "link", "set", bridge, "up"))
        await set_up_node(node)
        await set_up(node, sandbox)
        await set_up(node, sandbox)
        assert exists(sandbox)
        assert await reached(f"{NET}.1.2")
        assert await reached(f"{NET}.1.254")
        await run_tool(("ip", "link", "set", sandbox.interface, "down"))
        await raise_links([sandbox, sandbox_of(node, UID.replace("0a", "0b"), "")])
        assert await reached(f"{NET}.1.2"), "a machine that was lost is back"
        await tear_down(sandbox)
        await tear_down(sandbox)
        assert not exists(sandbox)
    finally:
        await tear_down(sandbox)
        await run_tool(("ip", "link", "delete", bridge))


async def reached(address: str) -> bool:
    """A refused connection has arrived."""
    for _ in range(50):
        try:
            async with asyncio.timeout(1):
                await asyncio.open_connection(address, 9)
        except ConnectionRefusedError:
            return True
        except OSError:
            await asyncio.sleep(0.05)
    return False
