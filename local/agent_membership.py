"""The node in the API: it registers, renews its lease, and says it is ready when the API thinks otherwise."""

import asyncio
import platform
from collections.abc import Callable
from pathlib import Path

import structlog

from local.agent_api import Api, ApiError
from local.agent_node import (
    Host,
    Node,
    lease_of,
    must_report,
    new_node,
    node_labels,
    node_status,
)
from local.agent_settings import AgentSettings

RETRY_FIRST_S, RETRY_MAX_S = 0.2, 2.0
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_log = structlog.stdlib.get_logger()


def this_host() -> Host:
    """Facts of this machine."""
    return Host(
        machine_id=_line("/etc/machine-id"),
        boot_id=_line("/proc/sys/kernel/random/boot_id"),
        kernel=platform.release(),
        os_image=platform.platform(terse=True),
        architecture={"x86_64": "amd64", "aarch64": "arm64"}.get(
            platform.machine(), platform.machine()
        ),
    )


def _line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"


class Membership:
    """One node's Node and Lease."""

    def __init__(self, api: Api, settings: AgentSettings, clock: Callable[[], float]) -> None:
        self._api, self._settings, self._clock = api, settings, clock
        self._host = this_host()
        self._path = f"/api/v1/nodes/{settings.name}"
        self.uid = ""
        self.deleted = False

    async def register(self) -> None:
        """Create the Node, or make an earlier one ours; tried until the API answers."""
        wait_s = RETRY_FIRST_S
        while not self.uid:
            try:
                self.uid = (await self._register()).metadata.uid
            except ApiError as error:
                _log.warning("agent.register", error=str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(RETRY_MAX_S, wait_s * 2)

    async def _register(self) -> Node:
        node = new_node(self._settings, self._host, now_s=self._clock())
        try:
            await self._api.request("POST", "/api/v1/nodes", body=node)
        except ApiError as error:
            if error.status != 409:
                raise
            labels: dict[str, object] = {**node_labels(self._settings)}
            await self._api.merge(self._path, {"metadata": {"labels": labels}})
        found = await self._api.get(self._path, Node)
        await self._report(found)
        return found

    async def _report(self, node: Node) -> None:
        status = node_status(
            self._settings, self._host, before=node.status.conditions, now_s=self._clock()
        )
        await self._api.merge(f"{self._path}/status", {"status": status})

    async def check(self, node: Node | None) -> None:
        """Look at the Node as the API has it; a deleted one is not made again (a kubelet does not either)."""
        if node is None:
            self.deleted = True
            return
        if must_report(node):
            try:
                await self._report(node)
            except ApiError as error:
                _log.warning("agent.node_status", error=str(error))

    async def renew(self) -> None:
        """Renew the lease until cancelled or the node is deleted."""
        period_s = self._settings.lease_s
        while not self.deleted:
            try:
                await self._renew()
            except ApiError as error:
                _log.warning("agent.lease", error=str(error))
            await asyncio.sleep(period_s)

    async def _renew(self) -> None:
        lease = lease_of(self._settings, node_uid=self.uid, now_s=self._clock())
        try:
            await self._api.merge(f"{LEASES}/{self._settings.name}", lease)
        except ApiError as error:
            if error.status != 404:
                raise
            await self._api.request("POST", LEASES, body=lease)
