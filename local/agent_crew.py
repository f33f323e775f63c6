"""The workers of one node: one per pod bound to it, their rulesets, and what earlier agents left."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from local.agent_api import Api, ApiError
from local.agent_cgroup import Usage
from local.agent_fetch import Fetcher
from local.agent_files import PodFiles, PodRecord, stored_pods
from local.agent_house import House
from local.agent_kubelet import ContainerUsage, LogFile
from local.agent_nft import pod_ruleset
from local.agent_objects import Pod
from local.agent_pod import PodHands
from local.agent_policy import (
    Cluster,
    Namespace,
    NetworkPolicy,
    PeerContainer,
    PeerPod,
    PeerSpec,
    PeerStatus,
    compile_rules,
)
from local.agent_resolve import Sources
from local.agent_sandbox import NetworkError
from local.agent_settings import node_address
from local.agent_status import PodStatus
from local.agent_worker import Means, PodWorker

SETTLE_S = 0.05
"""Changes come in bursts: a rollout changes many pods at once."""
RETRY_S = 1.0
Collections = tuple[Mapping[str, NetworkPolicy], Mapping[str, Namespace], Mapping[str, PeerPod]]
_log = structlog.stdlib.get_logger()


class Crew:
    """Every pod of the node; also what the kubelet port shows and where workers report."""

    def __init__(self, api: Api, house: House, *, clock: Callable[[], float]) -> None:
        self._api, self._house, self._clock = api, house, clock
        self._workers: dict[str, PodWorker] = {}
        self._fetchers: dict[str, Fetcher] = {}
        self.pods_changed = asyncio.Event()
        self.rules_changed = asyncio.Event()
        self.look_up: Callable[[], Collections] = lambda: ({}, {}, {})
        settings = house.settings
        self._means = Means(
            reporter=self, clock=clock, host_ip=str(node_address(settings)),
            back_off_s=settings.back_off_s,
        )  # fmt: skip
        house.used = self._used
        house.ruleset = self._ruleset

    def _used(self) -> frozenset[str]:
        recorded = (it.sandbox for it in stored_pods(self._house.pods) if it.sandbox is not None)
        live = (it.hands.address for it in self._workers.values())
        return frozenset({it.address for it in recorded} | {it for it in live if it})

    def _ruleset(self, pod: Pod) -> str:
        policies, namespaces, pods = self.look_up()
        by_name = {it.metadata.name: it for it in namespaces.values()}
        cluster = Cluster(
            policies=tuple(policies.values()), namespaces=by_name, pods=tuple(pods.values())
        )
        rules = compile_rules(as_peer(pod), cluster)
        nodes = (self._means.host_ip, self._house.settings.gateway)
        return pod_ruleset(rules, node_addresses=nodes)

    async def follow_pods(
        self, bound: Callable[[], Mapping[str, Pod]], tasks: asyncio.TaskGroup
    ) -> None:
        """Have a worker for every pod bound to the node, and clear away what no longer is."""
        records = {record.uid: record for record in stored_pods(self._house.pods)}
        for uid in set(records) - set(bound()):
            await self._purge(records[uid])
        while True:
            pods = bound()
            for uid, pod in pods.items():
                worker = self._workers.get(uid)
                if worker is None:
                    worker = self._hire(pod, records.pop(uid, None))
                    if worker is not None:
                        tasks.create_task(self._run(worker))
                else:
                    worker.update(pod)
            for uid in set(self._workers) - set(pods):
                self._workers[uid].vanish()
            await self.pods_changed.wait()
            self.pods_changed.clear()

    def _hire(self, pod: Pod, record: PodRecord | None) -> PodWorker | None:
        """A worker; none for a pod that ended before and of which nothing is here: it must not run again."""
        uid = pod.metadata.uid
        ended = pod.status.phase in {"Succeeded", "Failed"}
        if record is None and ended and not pod.metadata.deletion_timestamp:
            return None
        files = PodFiles(self._house.pods, uid)
        worker = PodWorker(pod, PodHands(self._house, files, uid=uid), means=self._means)
        if record is not None:
            worker.adopt(record)
            self.rules_changed.set()  # policies may have changed while no agent was here
        self._workers[uid] = worker
        return worker

    async def _run(self, worker: PodWorker) -> None:
        pod, uid = worker.pod, worker.pod.metadata.uid
        while True:
            try:
                await worker.run()
            except Exception:  # noqa: BLE001 -- the outermost loop of a pod: one pod's defect must not end the node
                _log.exception("agent.worker", pod=pod.metadata.name)
                await asyncio.sleep(RETRY_S)
            else:
                break
        self._workers.pop(uid, None)
        self._fetchers.pop(uid, None)

    async def _purge(self, record: PodRecord) -> None:
        """The API has forgotten this pod while no agent was there."""
        files = PodFiles(self._house.pods, record.uid)
        hands = PodHands(self._house, files, uid=record.uid)
        hands.adopt(record.sandbox)
        try:
            await hands.tear_down()
        except (NetworkError, OSError) as error:
            _log.warning("agent.purge", pod=record.name, error=str(error))
            return
        files.remove()

    async def follow_rules(self) -> None:
        """Load changed rulesets; one that cannot be loaded leaves the older, stricter or not, in force, and is retried."""
        while True:
            await self.rules_changed.wait()
            await asyncio.sleep(SETTLE_S)
            self.rules_changed.clear()
            for worker in list(self._workers.values()):
                try:
                    await worker.apply_rules()
                except NetworkError as error:
                    if worker.state.sandbox:  # not torn down meanwhile
                        _log.error("agent.rules", pod=worker.pod.metadata.name, error=str(error))
                        await asyncio.sleep(RETRY_S)
                        self.rules_changed.set()

    async def report(self, pod: Pod, status: PodStatus) -> None:
        """Send a status; the uid keeps it from a namesake. Raises `ApiError`."""
        await self._api.merge(
            f"{path_of(pod)}/status", {"metadata": {"uid": pod.metadata.uid}, "status": status}
        )

    async def finish(self, pod: Pod) -> None:
        """Complete the deletion. Raises `ApiError`."""
        body: dict[str, object] = {
            "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
            "preconditions": {"uid": pod.metadata.uid},
        }  # fmt: skip
        try:
            await self._api.request("DELETE", path_of(pod), body=body)
        except ApiError as error:
            if error.status not in {404, 409}:
                raise

    async def sources(self, pod: Pod, *, now_s: float) -> Sources:
        """What the pod names. Raises `ApiError`."""
        fetcher = self._fetchers.setdefault(pod.metadata.uid, Fetcher(self._api))
        return await fetcher.sources(pod, now_s=now_s)

    def log_of(self, namespace: str, pod: str, container: str, *, previous: bool) -> LogFile | None:
        """The log of a container's current or previous run."""
        for worker in self._workers.values():
            meta = worker.pod.metadata
            if (meta.namespace, meta.name) != (namespace, pod):
                continue
            for slot in worker.state.slots:
                attempt = slot.attempt - 1 if previous else slot.attempt
                path = worker.hands.files.container(slot.name).record(attempt) / "log"
                if slot.name == container and attempt > 0 and path.exists():
                    running = slot.stage in {"running", "ending"} and not previous
                    return LogFile(path=path, running=running)
        return None

    def usages(self) -> list[ContainerUsage]:
        """Usage of every container that runs."""
        return [
            ContainerUsage(
                namespace=worker.pod.metadata.namespace, pod=worker.pod.metadata.name,
                container=slot.name, started_s=slot.started_s,
                usage=worker.hands.group.child(slot.name).usage(),
            )
            for worker in self._workers.values()
            for slot in worker.state.slots
            if slot.stage == "running"
        ]  # fmt: skip

    def node_usage(self) -> Usage:
        """Usage of the whole node."""
        return self._house.group.usage()


def path_of(pod: Pod) -> str:
    """The pod in the API."""
    return f"/api/v1/namespaces/{pod.metadata.namespace}/pods/{pod.metadata.name}"


def as_peer(pod: Pod) -> PeerPod:
    """The pod as policies see it."""
    containers = tuple(PeerContainer(ports=it.ports) for it in pod.spec.containers)
    return PeerPod(metadata=pod.metadata, spec=PeerSpec(containers=containers), status=PeerStatus())
