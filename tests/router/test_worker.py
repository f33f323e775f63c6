"""A worker's life: serves, drains, closes its evidence."""

import asyncio
from pathlib import Path

from aiohttp import web

from router.audit import verify
from router.chain import Good, frames
from tests.router.harness import running_cloud, until


async def test_draining_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """A request that began before the end is answered; its record is there, and the file is closed."""
    began = asyncio.Event()

    async def slow(_request: web.Request, _body: bytes) -> web.StreamResponse:
        began.set()
        await asyncio.sleep(0.2)
        return web.Response(status=201)

    statuses: list[int] = []
    async with asyncio.TaskGroup() as group, running_cloud(tmp_path) as cloud:
        cloud.services["orders-1"].answer = slow

        async def ask() -> None:
            async with cloud.client.post(cloud.url("/orders"), json={}) as answer:
                statuses.append(answer.status)

        group.create_task(ask())
        await began.wait()
        drained = asyncio.ensure_future(cloud.worker._drained())
        await until(lambda: bool(statuses))
        await drained
    assert statuses == [201]
    report = verify(tmp_path / "evidence")
    assert report.by_kind == {"sensitive": 1}
    (file,) = (tmp_path / "evidence").iterdir()
    *_, last = frames(file.read_bytes())
    assert isinstance(last, Good)
    assert last.record.kind == "close"


async def test_public_counters_are_written_every_second(tmp_path: Path) -> None:
    """Without a scrape or an end they reach the file by themselves."""
    async with running_cloud(tmp_path) as cloud:
        async with cloud.client.get(cloud.url("/ads")) as answer:
            assert answer.status == 200
        await until(lambda: verify(tmp_path / "evidence").records == 1, within_s=3)
