"""Swapping policy and topology while serving."""

import asyncio
import os
import signal
from collections import Counter

from router.audit import verify
from tests.router.harness import POLICY, RESERVE, Cloud, topology, until

CLOSED_ADS = POLICY.replace(
    'paths: ["/ads", "/ads/**"]}, class: public', 'paths: ["/ads", "/ads/**"]}, class: sensitive'
).replace(", cookies: [ab]", "")


async def served_by(cloud: Cloud, path: str = "/ads") -> str:
    async with cloud.client.get(cloud.url(path)) as answer:
        await answer.read()
        return answer.headers.get("Isthmus-Served-By", str(answer.status))


async def test_a_changed_file_takes_effect_by_itself(cloud: Cloud) -> None:
    """The watch notices, compiles and replaces; the next request is judged by the new policy."""
    assert (await served_by(cloud)).startswith("public/")
    (cloud.root / "policy.yaml").write_text(CLOSED_ADS)
    await until(lambda: cloud.worker.current().number == 2)
    assert await served_by(cloud) == "private/ads-private"


async def test_sighup_reloads(cloud: Cloud) -> None:
    """The signal operators know."""
    (cloud.root / "policy.yaml").write_text(CLOSED_ADS)
    os.kill(os.getpid(), signal.SIGHUP)
    await until(lambda: cloud.worker.current().number >= 2)
    assert await served_by(cloud) == "private/ads-private"


async def test_a_bad_file_keeps_the_old_and_is_counted(cloud: Cloud) -> None:
    """It says why, counts it, and goes on as before; the good file after it is taken."""
    before = cloud.worker.current()
    (cloud.root / "policy.yaml").write_text("version: isthmus/v1\nnonsense: 1\n")
    why = await cloud.worker.reload()
    assert "policy.yaml" in why
    assert cloud.worker.current() is before
    assert cloud.metric("isthmus_config_rejected_total") == 1
    assert (await served_by(cloud)).startswith("public/")
    (cloud.root / "policy.yaml").write_text(POLICY)
    assert await cloud.worker.reload() == ""
    assert cloud.metric("isthmus_router_decisions_total") == 1
    assert verify(cloud.root / "evidence").records == 1


async def test_no_request_is_lost_over_many_swaps(cloud: Cloud) -> None:
    """Requests run on while topology loses and regains a node thirty times."""
    full = topology(cloud.services, sites=("public", "private"), reserve=RESERVE)
    fewer = {name: s for name, s in cloud.services.items() if name != "ads-1"}
    short = topology(fewer, sites=("public", "private"), reserve=RESERVE)
    statuses: Counter[str] = Counter()
    done = asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            statuses[(await served_by(cloud)).split("/")[0]] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(ask())
        for number in range(30):
            (cloud.root / "topology.yaml").write_text(short if number % 2 == 0 else full)
            assert await cloud.worker.reload() == ""
        done.set()
    assert set(statuses) == {"public"}
    assert cloud.metric("isthmus_router_in_flight") == 0


async def test_a_request_in_flight_is_judged_anew_for_its_next_attempt(cloud: Cloud) -> None:
    """Its first attempt fails after the policy closed the route: the second one goes to the private site."""
    gate = asyncio.Event()

    async def fail_after_swap(request, _body):
        gate.set()
        await until(lambda: cloud.worker.current().number > 1)
        request.transport.abort()
        await asyncio.sleep(0)

    for name in ("ads-1", "ads-2", "ads-3"):
        cloud.services[name].answer = fail_after_swap
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(served_by(cloud))
        await gate.wait()
        (cloud.root / "policy.yaml").write_text(CLOSED_ADS)
        assert await cloud.worker.reload() == ""
    assert asked.result() == "private/ads-private"
    assert sum(len(cloud.services[f"ads-{n}"].seen) for n in (1, 2, 3)) == 1
