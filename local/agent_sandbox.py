"""A pod's network: a namespace of its own, a veth into the site's bridge, its ruleset. Runs `ip` and `nft`."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

import msgspec

from local.agent_settings import AgentSettings, node_address

COMMAND_S = 10.0
NAMESPACES = Path("/run/netns")


class NetworkError(Exception):
    """The network could not be made: which command, what it said."""


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """A pod's network as recorded."""

    namespace: str
    interface: str
    address: str

    @property
    def path(self) -> str:
        """What `nsenter --net=` takes."""
        return str(NAMESPACES / self.namespace)


def sandbox_of(settings: AgentSettings, uid: str, address: str) -> Sandbox:
    """Names by the pod's uid: both ends must be found again by an agent that comes back."""
    short = uid.replace("-", "")[:8]
    return Sandbox(
        namespace=f"{settings.namespace_prefix}-{short}", interface=f"isv{short}", address=address
    )


async def run_tool(argv: tuple[str, ...], *, text: str = "") -> str:
    """Run a program with `text` on stdin; its stdout. Raises `NetworkError`."""
    path = shutil.which(argv[0])
    if path is None:
        raise NetworkError(f"{argv[0]}: not on PATH; fix: apt-get install iproute2 nftables")
    # a file, not a pipe: a program may end before it has read everything
    descriptor = os.memfd_create("isthmus-stdin")
    try:
        os.pwrite(descriptor, text.encode(), 0)
        process = await asyncio.create_subprocess_exec(
            path, *argv[1:],
            stdin=descriptor, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    finally:
        os.close(descriptor)
    try:
        async with asyncio.timeout(COMMAND_S):
            out, err = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise NetworkError(f"{' '.join(argv)}: no answer in {COMMAND_S:g} s") from error
    if process.returncode != 0:
        raise NetworkError(f"{' '.join(argv)}: {err.decode(errors='replace').strip()}")
    return out.decode()


async def set_up_node(settings: AgentSettings) -> None:
    """Give the node its own address on the bridge. Raises `NetworkError`."""
    address = f"{node_address(settings)}/32"
    await run_tool(("ip", "address", "replace", address, "dev", settings.bridge))


async def raise_links(sandboxes: Iterable[Sandbox]) -> None:
    """Connect the pods an earlier agent left: their links are down when their machine was lost."""
    for sandbox in sandboxes:
        if exists(sandbox):
            with contextlib.suppress(NetworkError):  # it is being taken away
                await run_tool(("ip", "link", "set", sandbox.interface, "up"))


async def set_up(settings: AgentSettings, sandbox: Sandbox) -> None:
    """Make the namespace and its link anew. Raises `NetworkError`."""
    await tear_down(sandbox)
    length = IPv4Network(settings.site_network).prefixlen
    await run_tool(("ip", "netns", "add", sandbox.namespace))
    outside = (
        f"link add {sandbox.interface} type veth peer name eth0 netns {sandbox.namespace}",
        f"link set {sandbox.interface} master {settings.bridge} up",
    )
    inside = (
        "link set lo up",
        f"address add {sandbox.address}/{length} dev eth0",
        "link set eth0 up",
        f"route add default via {settings.gateway}",
    )
    await run_tool(("ip", "-batch", "-"), text="\n".join((*outside, "")))
    await run_tool(("ip", "-n", sandbox.namespace, "-batch", "-"), text="\n".join((*inside, "")))


async def tear_down(sandbox: Sandbox) -> None:
    """Take link and namespace away; what is not there is no error. Raises `NetworkError`."""
    # the link first: with its namespace it would go too, but only some time later
    with contextlib.suppress(NetworkError):
        await run_tool(("ip", "link", "delete", sandbox.interface))
    if exists(sandbox):
        await run_tool(("ip", "netns", "delete", sandbox.namespace))


def exists(sandbox: Sandbox) -> bool:
    """Whether the namespace is there; a restart of the machine takes it away."""
    return (NAMESPACES / sandbox.namespace).exists()


async def load_rules(sandbox: Sandbox, script: str) -> None:
    """Load a ruleset inside the namespace, all or nothing. Raises `NetworkError`."""
    await run_tool(("nsenter", f"--net={sandbox.path}", "nft", "-f", "-"), text=script)
