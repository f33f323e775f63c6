"""The node agent: `python -m local.agent --settings FILE`, started in its site's network namespace.

It makes this process group a node of the site's cluster and runs the pods bound to it as processes of the machine.
SIGTERM ends the agent alone: its pods go on, and the next agent with the same settings takes them over. To take the
node away, kill its control group (`agent_cgroup.kill_node`): that is node death.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

import structlog
import uvloop

from local.agent_api import (
    Api,
    ApiError,
    KubeconfigError,
    client_tls,
    read_access,
    write_identity,
)
from local.agent_cgroup import CgroupError, find_hierarchies
from local.agent_container import ToolError, find_tools
from local.agent_crew import Crew
from local.agent_files import stored_pods
from local.agent_house import House
from local.agent_kubelet import Kubelet, serve_kubelet
from local.agent_membership import Membership
from local.agent_node import Node
from local.agent_objects import Pod
from local.agent_policy import Namespace, NetworkPolicy, PeerPod
from local.agent_reflect import Reflector
from local.agent_sandbox import NetworkError, raise_links, set_up_node
from local.agent_settings import AgentSettings, SettingsError, node_address, read_settings
from runtime.logs import set_up_logs
from runtime.ready import write_ready
from runtime.shutdown import stop_event

_log = structlog.stdlib.get_logger()


class Watches:
    """The four collections a node follows; `anything` is set when one changed."""

    def __init__(self, api: Api, settings: AgentSettings, crew: Crew) -> None:
        name = settings.name
        self.node_changed = asyncio.Event()
        self.node = Reflector(
            api, "/api/v1/nodes", Node, selector=f"metadata.name={name}",
            changed=self.node_changed.set,
        )  # fmt: skip
        self.mine = Reflector(
            api,
            "/api/v1/pods",
            Pod,
            selector=f"spec.nodeName={name}",
            changed=crew.pods_changed.set,
        )
        rules = crew.rules_changed.set
        self.pods = Reflector(api, "/api/v1/pods", PeerPod, selector="", changed=rules)
        self.namespaces = Reflector(
            api, "/api/v1/namespaces", Namespace, selector="", changed=rules
        )
        self.policies = Reflector(
            api, "/apis/networking.k8s.io/v1/networkpolicies", NetworkPolicy, selector="",
            changed=rules,
        )  # fmt: skip

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Follow all of them."""
        import random  # noqa: PLC0415 -- only to spread the retries of many agents

        rng = random.Random()
        for reflector in (self.node, self.mine, self.pods, self.namespaces, self.policies):
            tasks.create_task(reflector.run(rng))

    async def synced(self) -> None:
        """Wait until every collection was listed once: before that, no pod may start (its policy is unknown)."""
        for reflector in (self.node, self.mine, self.pods, self.namespaces, self.policies):
            await reflector.synced.wait()


async def serve(settings: AgentSettings) -> None:
    """Be the node until SIGTERM. Raises `OSError`, `NetworkError`, `CgroupError`, `ToolError`, `KubeconfigError`."""
    stop = stop_event(asyncio.get_running_loop())
    house = House(settings, find_hierarchies(), find_tools())
    house.make()
    await set_up_node(settings)
    await raise_links(it.sandbox for it in stored_pods(house.pods) if it.sandbox is not None)
    access = read_access(Path(settings.kubeconfig))
    identity = write_identity(access, Path(settings.directory))
    async with Api(access.server, client_tls(access, identity)) as api:
        house.api_server = api.base
        crew = Crew(api, house, clock=time.time)
        runner = await serve_kubelet(Kubelet(crew, time.time), settings, identity)
        try:
            await _work(api, settings, crew, stop=stop)
        finally:
            await runner.cleanup()


async def _work(api: Api, settings: AgentSettings, crew: Crew, *, stop: asyncio.Event) -> None:
    member = Membership(api, settings, time.time)
    watches = Watches(api, settings, crew)
    crew.look_up = lambda: (watches.policies.items, watches.namespaces.items, watches.pods.items)
    async with asyncio.TaskGroup() as tasks:
        everything = tasks.create_task(_everything(member, watches, crew, settings=settings))
        await stop.wait()
        everything.cancel()


async def _everything(
    member: Membership, watches: Watches, crew: Crew, *, settings: AgentSettings
) -> None:
    await member.register()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(member.renew())
        watches.start(tasks)
        await watches.synced()
        tasks.create_task(_watch_node(member, watches))
        tasks.create_task(crew.follow_pods(lambda: watches.mine.items, tasks))
        tasks.create_task(crew.follow_rules())
        address = f"{node_address(settings)}:{settings.kubelet_port}"
        write_ready(Path(settings.ready), settings.name, {"kubelet": address})
        _log.info("agent.ready", node=settings.name)


async def _watch_node(member: Membership, watches: Watches) -> None:
    while True:
        nodes = list(watches.node.items.values())
        await member.check(nodes[0] if nodes else None)
        await watches.node_changed.wait()
        watches.node_changed.clear()


def main(argv: list[str] | None = None) -> int:
    """Run one node."""
    parser = argparse.ArgumentParser(prog="python -m local.agent", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True)
    path: Path = parser.parse_args(argv).settings
    try:
        settings = read_settings(path.read_bytes())
    except (OSError, SettingsError) as error:
        sys.stderr.write(f"{path}: {error}\n")
        return 2
    set_up_logs(settings.name)
    try:
        uvloop.run(serve(settings))
    except KubeconfigError as error:
        sys.stderr.write(f"{settings.name}: {error}\n")
        return 2
    except (OSError, NetworkError, CgroupError, ToolError, ApiError) as error:
        sys.stderr.write(f"{settings.name}: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
