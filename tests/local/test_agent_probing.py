"""Asking a probe, against real servers."""

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest
from aiohttp import web

from local.agent_parts import Exec, HttpGet, HttpHeader, Port, Probe, TcpSocket
from local.agent_probing import ExecTarget, ask, run_inside
from tests.local.agents import container

HERE = "127.0.0.1"
NOWHERE = ExecTarget(None)


@contextlib.asynccontextmanager
async def server():
    async def handle(request: web.Request) -> web.Response:
        if request.path == "/slow":
            await asyncio.sleep(60)
        status = int(request.headers.get("X-Status", "200"))
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_get("/{tail:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HERE, 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "ok"), [(200, True), (302, True), (399, True), (400, False), (503, False)]
)
async def test_http_success_is_200_to_399(status, ok) -> None:
    """A redirect is a success and is not followed."""
    async with server() as port:
        header = HttpHeader(name="X-Status", value=str(status))
        get = HttpGet(port=port, path="/ok", http_headers=(header,))
        said = await ask(Probe(http_get=get), container(), address=HERE, into=NOWHERE)
    assert (said == "") is ok
    assert ok or str(status) in said


async def test_a_port_by_name() -> None:
    """A name the container does not have is a no that says so."""
    async with server() as port:
        web_container = container(ports=(Port(container_port=port, name="http"),))
        probe = Probe(tcp_socket=TcpSocket(port="http"))
        assert await ask(probe, web_container, address=HERE, into=NOWHERE) == ""
        said = await ask(probe, container(), address=HERE, into=NOWHERE)
    assert "no port of that name" in said


async def test_no_answer_in_time_is_a_no() -> None:
    """The time-out is the probe's."""
    async with server() as port:
        probe = Probe(http_get=HttpGet(port=port, path="slow"), timeout_seconds=1)
        assert "no answer in 1 s" in await ask(probe, container(), address=HERE, into=NOWHERE)


async def test_nobody_there_is_a_no() -> None:
    """HTTP and TCP alike."""
    with socket.socket() as unused:
        unused.bind((HERE, 0))
        port = unused.getsockname()[1]
        for probe in (
            Probe(http_get=HttpGet(port=port)), Probe(tcp_socket=TcpSocket(port=port)),
        ):  # fmt: skip
            assert await ask(probe, container(), address=HERE, into=NOWHERE)


async def test_a_command_is_judged_by_its_code() -> None:
    """And one that hangs is killed."""
    into = ExecTarget(("/usr/bin/env", "-i"))
    for command, said in (
        (("true",), ""), (("sh", "-c", "exit 3"), "code 3"), (("sleep", "60"), "no answer"),
    ):  # fmt: skip
        got = await ask(Probe(exec=Exec(command=command)), container(), address=HERE, into=into)
        assert said in got
        assert (got == "") == (said == "")
    assert "not running" in await ask(
        Probe(exec=Exec(command=("true",))), container(), address=HERE, into=NOWHERE
    )


async def test_a_probe_of_an_unknown_kind_is_a_no() -> None:
    """A gRPC probe does not make a container ready by being ignored."""
    assert "expected httpGet" in await ask(Probe(), container(), address=HERE, into=NOWHERE)


async def test_a_cancelled_command_is_gone(tmp_path) -> None:
    """Nothing is left running."""
    file = tmp_path / "pid"
    command = ("sh", "-c", f"echo $$ > {file}.tmp; mv {file}.tmp {file}; exec sleep 60")
    task = asyncio.get_running_loop().create_task(run_inside(command))
    async with asyncio.timeout(10):
        while not file.exists():  # noqa: ASYNC110 -- a file of another process
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not Path("/proc", file.read_text().strip()).exists()  # noqa: ASYNC240 -- in memory
