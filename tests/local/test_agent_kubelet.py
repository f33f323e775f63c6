"""The kubelet port: logs, metrics, and who is answered."""

import asyncio
import contextlib

import aiohttp
from aiohttp import web

from local.agent_cgroup import Usage
from local.agent_kubelet import ContainerUsage, Kubelet, LogFile, metrics_text
from local.agent_log import Mark, write_marks

LOGS = "/containerLogs/shop/web-1/web"
ONE = ContainerUsage(
    namespace="shop", pod="web-1", container="web", started_s=5.0,
    usage=Usage(cpu_s=1.5, memory_bytes=4096),
)  # fmt: skip


class Contents:
    def __init__(self, path) -> None:
        self.path, self.running = path, False

    def log_of(self, namespace, pod, container, *, previous):
        known = (namespace, pod, container) == ("shop", "web-1", "web")
        return LogFile(path=self.path, running=self.running) if known and not previous else None

    def usages(self):
        return [ONE]

    def node_usage(self):
        return Usage(cpu_s=3.0, memory_bytes=8192)


@contextlib.asynccontextmanager
async def kubelet(path, *, source="127.0.0.1"):
    contents = Contents(path)
    runner = web.AppRunner(Kubelet(contents, lambda: 100.0).application(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession(base, connector=connector) as session:
            yield contents, session
    finally:
        await runner.cleanup()


async def get(session, path) -> tuple[int, str]:
    async with session.get(path) as response:
        return response.status, await response.text()


async def test_logs_whole_tail_and_bounded(tmp_path) -> None:
    """As `kubectl logs`, `--tail` and `--limit-bytes` ask for them."""
    log = tmp_path / "log"
    log.write_text("a\nb\nc\n")
    async with kubelet(log) as (_, session):
        assert await get(session, LOGS) == (200, "a\nb\nc\n")
        assert await get(session, f"{LOGS}?tailLines=2&timestamps=false") == (200, "b\nc\n")
        assert await get(session, f"{LOGS}?limitBytes=3") == (200, "a\nb")
        assert await get(session, f"{LOGS}?sinceSeconds=1") == (200, "a\nb\nc\n")


async def test_logs_with_their_times_and_since_a_time(tmp_path) -> None:
    """As `kubectl logs --timestamps`, `--since` and `--since-time` ask for them."""
    log, second = tmp_path / "log", 1_000_000_000
    log.write_text("a\nb\nc\n")
    (tmp_path / "times").write_bytes(write_marks([Mark(2, 40 * second), Mark(6, 90 * second)]))
    async with kubelet(log) as (_, session):
        stamped = "1970-01-01T00:00:40.000000000Z a\n1970-01-01T00:01:30.000000000Z b\n"
        status, text = await get(session, f"{LOGS}?timestamps=true")
        assert (status, text.startswith(stamped)) == (200, True)
        assert await get(session, f"{LOGS}?sinceSeconds=20") == (200, "b\nc\n")
        assert await get(session, f"{LOGS}?sinceTime=1970-01-01T00:02:00Z") == (200, "")


async def test_what_is_not_there_is_404_and_nonsense_400(tmp_path) -> None:
    """The message names the container."""
    async with kubelet(tmp_path / "none") as (_, session):
        assert (await get(session, LOGS.replace("web-1", "x")))[0] == 404
        status, text = await get(session, f"{LOGS}?previous=true")
        assert (status, "previous terminated" in text) == (404, True)
        assert (await get(session, f"{LOGS}?tailLines=many"))[0] == 400


async def test_following_sends_what_is_written_and_ends_with_the_container(tmp_path) -> None:
    """No line is lost at the end."""
    log = tmp_path / "log"
    log.write_text("first\n")
    async with kubelet(log) as (contents, session), asyncio.timeout(10):
        contents.running = True
        async with session.get(f"{LOGS}?follow=true") as response:
            assert await response.content.readline() == b"first\n"
            with log.open("a") as file:
                file.write("second\n")
            assert await response.content.readline() == b"second\n"
            with log.open("a") as file:
                file.write("last\n")
            contents.running = False
            assert await response.content.read() == b"last\n"


async def test_only_the_sites_own_namespace_is_answered(tmp_path) -> None:
    """A peer from any other address than the one it calls is refused: logs are not for pods to read."""
    async with kubelet(tmp_path / "log", source="127.0.0.9") as (_, session):
        for path in (LOGS, "/healthz", "/metrics/resource"):
            assert (await get(session, path))[0] == 403


async def test_health_and_metrics(tmp_path) -> None:
    """What metrics-server reads."""
    async with kubelet(tmp_path / "log") as (_, session):
        assert await get(session, "/healthz") == (200, "ok")
        status, text = await get(session, "/metrics/resource")
    assert status == 200
    assert text == metrics_text(Usage(cpu_s=3.0, memory_bytes=8192), [ONE], now_s=100.0)


def test_metrics_have_the_names_metrics_server_knows() -> None:
    """Seconds and bytes, with the time of the reading in milliseconds."""
    lines = metrics_text(Usage(cpu_s=3.0, memory_bytes=8192), [ONE], now_s=100.0).splitlines()
    labels = '{container="web",namespace="shop",pod="web-1"}'
    assert "node_cpu_usage_seconds_total 3.000000 100000" in lines
    assert f"container_cpu_usage_seconds_total{labels} 1.500000 100000" in lines
    assert f"container_memory_working_set_bytes{labels} 4096 100000" in lines
    assert f"container_start_time_seconds{labels} 5.000" in lines
