"""Ask one probe: HTTP, TCP or a command in the container. The answer is a yes or a no with its reason."""

import asyncio
import contextlib

import aiohttp

from local.agent_parts import Container, Exec, HttpGet, Probe, TcpSocket

KILL_S = 1.0


class ProbeFailure(Exception):  # noqa: N818 -- an answer, not a defect
    """The probe's answer is no: why."""


class ExecTarget:
    """How to run a command in the container; None when it is not running."""

    def __init__(self, wrap: "tuple[str, ...] | None") -> None:
        self.wrap = wrap


async def ask(probe: Probe, container: Container, *, address: str, into: ExecTarget) -> str:
    """Empty when the answer is yes, else why not; never longer than the probe's time-out."""
    try:
        async with asyncio.timeout(max(1, probe.timeout_seconds)):
            if probe.http_get is not None:
                await _http(probe.http_get, container, address)
            elif probe.tcp_socket is not None:
                await _tcp(probe.tcp_socket, container, address)
            elif probe.exec is not None:
                await _exec(probe.exec, into)
            else:
                return "expected httpGet, tcpSocket or exec: a process node knows no other probe"
    except TimeoutError:
        return f"no answer in {max(1, probe.timeout_seconds)} s"
    except (ProbeFailure, OSError, aiohttp.ClientError, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


def port_number(port: int | str, container: Container) -> int:
    """A port by number or name. Raises `ProbeFailure`."""
    if isinstance(port, int):
        return port
    for one in container.ports:
        if one.name == port:
            return one.container_port
    if port.isdigit():
        return int(port)
    raise ProbeFailure(f"port {port}: the container has no port of that name")


async def _http(get: HttpGet, container: Container, address: str) -> None:
    host, port = get.host or address, port_number(get.port, container)
    path = get.path if get.path.startswith("/") else f"/{get.path}"
    url = f"{get.scheme.lower()}://{host}:{port}{path}"
    headers = [
        ("User-Agent", "kube-probe/isthmus"),
        *((it.name, it.value) for it in get.http_headers),
    ]
    # like the kubelet: the certificate of a probe is not verified, every probe is a connection of its own
    connector = aiohttp.TCPConnector(ssl=False, force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector, trust_env=False) as session,
        session.get(url, headers=headers, allow_redirects=False) as response,
    ):
        if not 200 <= response.status < 400:
            raise ProbeFailure(f"HTTP probe failed with statuscode: {response.status}")


async def _tcp(socket: TcpSocket, container: Container, address: str) -> None:
    _, writer = await asyncio.open_connection(
        socket.host or address, port_number(socket.port, container)
    )
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _exec(command: Exec, into: ExecTarget) -> None:
    if into.wrap is None:
        raise ProbeFailure("the container is not running")
    code = await run_inside((*into.wrap, *command.command))
    if code != 0:
        raise ProbeFailure(f"exec probe ended with code {code}")


async def run_inside(argv: tuple[str, ...]) -> int:
    """Run a wrapped command to its end; its code. It is killed when the caller is cancelled."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.wait_for(process.wait(), KILL_S)
