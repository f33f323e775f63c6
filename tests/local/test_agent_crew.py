"""The workers of a node: hired for what is bound, let go with what is gone; rulesets from what is watched."""

import asyncio
import contextlib

import msgspec

from local.agent_cgroup import Hierarchies
from local.agent_container import find_tools
from local.agent_crew import Crew, as_peer, path_of
from local.agent_files import PodFiles, PodRecord
from local.agent_house import House
from local.agent_machine import new_state
from local.agent_objects import ObservedStatus
from local.agent_parts import Port
from local.agent_policy import NetworkPolicy, PolicySpec
from tests.local.agents import api_server, container, pod, settings
from tests.local.hands import until

GOING = {"deletion_timestamp": "2026-01-01T00:00:00Z", "deletion_grace_period_seconds": 0}


@contextlib.asynccontextmanager
async def crew(tmp_path):
    """A crew whose pods cannot be set up: every image is another's, and there is no bridge."""
    async with api_server() as (fake, api):
        node = settings(directory=str(tmp_path / "node"), bridge="isthmus-none")
        house = House(node, Hierarchies(unified=str(tmp_path / "cg")), find_tools())
        house.pods.mkdir(parents=True)
        yield fake, house, Crew(api, house, clock=lambda: 1000.0)


@contextlib.asynccontextmanager
async def following(one, bound):
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(one.follow_pods(lambda: bound, tasks))
        yield
        bound.clear()
        one.pods_changed.set()
        await until(lambda: not one._workers)
        task.cancel()


async def test_a_bound_pod_gets_one_worker_and_loses_it_with_its_object(tmp_path) -> None:
    """However often the collection changes."""
    one = pod()
    bound = {one.metadata.uid: one}
    async with crew(tmp_path) as (fake, house, workers), following(workers, bound):
        for _ in range(3):
            workers.pods_changed.set()
            await asyncio.sleep(0)
        await until(lambda: fake.writes)
        assert list(workers._workers) == [one.metadata.uid]
        method, path, body = fake.writes[0]
        assert (method, path) == ("PATCH", f"{path_of(one)}/status")
        assert body["metadata"]["uid"] == one.metadata.uid
    assert not PodFiles(house.pods, one.metadata.uid).directory.exists()


async def test_what_the_api_forgot_while_no_agent_was_there_is_cleared_away(tmp_path) -> None:
    """Records without an object go before anything else starts."""
    async with crew(tmp_path) as (_, house, workers):
        files = PodFiles(house.pods, "old")
        state = new_state(pod(), now_s=1.0)
        files.write(PodRecord(namespace="shop", name="old", uid="old", state=state))
        async with following(workers, {}):
            await until(lambda: not files.directory.exists())


async def test_a_pod_that_ended_before_is_not_run_again(tmp_path) -> None:
    """Nothing of it is here and the API calls it Failed; only its deletion is finished."""
    ended = msgspec.structs.replace(pod(), status=ObservedStatus(phase="Failed"))
    uid = ended.metadata.uid
    bound = {uid: ended}
    async with crew(tmp_path) as (fake, _, workers), following(workers, bound):
        await asyncio.sleep(0.05)
        assert workers._workers == {}
        bound[uid] = msgspec.structs.replace(pod(meta=GOING), status=ended.status)
        workers.pods_changed.set()
        await until(lambda: fake.writes)
        assert fake.writes[0][:2] == ("DELETE", path_of(ended))
        assert fake.writes[0][2]["preconditions"] == {"uid": uid}


async def test_a_deletion_somebody_else_finished_is_finished(tmp_path) -> None:
    """404 and 409 both say that this pod is no more."""
    async with crew(tmp_path) as (fake, _, workers):
        fake.refusals["DELETE", path_of(pod())] = [404, 409]
        await workers.finish(pod())
        await workers.finish(pod())


async def test_rulesets_come_from_what_is_watched(tmp_path) -> None:
    """A default-deny policy of the pod's namespace, probes let through."""
    one = pod(container(ports=(Port(container_port=8080, name="http"),)))
    deny = NetworkPolicy(
        metadata=msgspec.structs.replace(one.metadata, name="deny"),
        spec=PolicySpec(policy_types=("Ingress", "Egress")),
    )
    async with crew(tmp_path) as (_, house, workers):
        assert "chain" not in house.rules(one)
        workers.look_up = lambda: ({"u": deny}, {}, {})
        text = house.rules(one)
    assert "hook input" in text
    assert "hook output" in text
    assert "ip saddr 10.97.1.254 accept" in text
    assert as_peer(one).spec.containers[0].ports[0].name == "http"


async def test_logs_and_usages_are_of_what_runs(tmp_path) -> None:
    """Nothing is shown of a container that never ran."""
    one = pod()
    bound = {one.metadata.uid: one}
    async with crew(tmp_path) as (fake, _, workers), following(workers, bound):
        await until(lambda: fake.writes)
        assert workers.log_of("shop", "web-1", "web", previous=False) is None
        assert workers.log_of("shop", "none", "web", previous=False) is None
        assert workers.usages() == []
        assert workers.node_usage().memory_bytes == 0
