"""Several workers: restarted with back-off, counted as one."""

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from router.audit import verify
from router.supervisor import BACKOFF_MAX_S, backoff_s
from runtime.ready import read_ready
from tests.router.harness import until
from tests.router.test_run import settings, start


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@pytest.mark.parametrize(("deaths", "wait_s"), [(1, 0.1), (2, 0.2), (5, 1.6), (99, BACKOFF_MAX_S)])
def test_back_off_doubles_up_to_a_bound(deaths: int, wait_s: float) -> None:
    """A worker that cannot start does not eat the machine."""
    assert backoff_s(deaths) == pytest.approx(wait_s)


async def test_a_crashed_worker_comes_back_and_counters_stay(tmp_path: Path) -> None:
    """SIGKILL one of two: the port keeps answering, a new worker joins, the sum does not shrink."""
    path = settings(tmp_path, workers=2)
    with start(path) as process:
        try:
            await until(lambda: read_ready(tmp_path / "ready.json") is not None, within_s=20)
            ready = read_ready(tmp_path / "ready.json")
            assert ready is not None
            http, probe = (ready.addresses[name] for name in ("http", "probe"))
            connector = aiohttp.TCPConnector(force_close=True)
            async with aiohttp.ClientSession(connector=connector) as client:
                for _ in range(20):
                    async with client.get(f"http://{http}/none") as answer:
                        assert answer.status == 404
                counted = await refused(client, probe)
                before = children(process.pid)
                os.kill(min(before), signal.SIGKILL)
                await until(lambda: len(children(process.pid) - before) == 1, within_s=20)
                await answered(client, probe)
                assert await refused(client, probe) == counted == 20
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert process.returncode == 0
    report = verify(tmp_path / "evidence")
    assert report.chain_ok
    assert report.files == 3
    assert report.records == 20


async def answered(client: aiohttp.ClientSession, probe: str) -> None:
    """Wait until every worker is ready again."""
    async with asyncio.timeout(20):
        while True:
            async with client.get(f"http://{probe}/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.05)


async def refused(client: aiohttp.ClientSession, probe: str) -> float:
    async with client.get(f"http://{probe}/metrics") as answer:
        text = await answer.text()
    line = next(x for x in text.splitlines() if 'decisions_total{kind="refused"}' in x)
    return float(line.rpartition(" ")[2])
