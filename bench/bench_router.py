"""CPU per request of the router beside a naive aiohttp proxy, in one run, on one machine.

Each system is a process of its own before the same origin and behind the same client, in turns, so that a
noisy minute hits all of them. CPU is the proxy process's user and system time over the requests of a round.
Writes `.isthmus/bench/router.json`.
"""

import argparse
import asyncio
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402 - after the path
import uvloop  # noqa: E402 - after the path
from aiohttp import ClientSession, web  # noqa: E402 - after the path

from contracts.settings import RouterSettings  # noqa: E402 - after the path
from router.doors import address_of, bind  # noqa: E402 - after the path
from runtime.ready import read_ready, write_ready  # noqa: E402 - after the path

POLICY = """\
version: isthmus/v1
sites: {public: {holds: [public]}, private: {holds: [public, sensitive]}}
detectors: {enable: [cn-mobile, cn-resident-id, bank-card, email]}
routes:
  - {id: ads, match: {methods: [GET], paths: ["/ads"]}, class: public, service: ads}
  - {id: click, match: {methods: [POST], paths: ["/clicks"]}, class: public, service: ads, inspect: {body: 64KiB}}
  - {id: profiles, match: {paths: ["/profiles/**"]}, class: sensitive, service: profiles}
"""
CONNECTIONS = 32


def body_of(size: int) -> bytes:
    """A JSON click with the ids, times and text of real ones."""
    event = {
        "event_id": "e-kqzjv-0001",
        "ad": "ad-77",
        "occurred_ms": 1_790_000_000_000,
        "price": 12.5,
    }
    text = json.dumps(event)[:-1] + ', "note": "'
    return (text + "lorem ipsum dolor sit amet " * size)[: size - 2].encode() + b'"}'


def request(method: bytes, target: bytes, body: bytes = b"") -> bytes:
    """One request with the headers a browser or an SDK sends."""
    head = (
        b"%b %b HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) bench/1\r\n"
        b"Accept: */*\r\nAccept-Language: zh-CN,zh\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
    ) % (method, target)
    if body:
        head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return head + b"\r\n" + body


WORKLOADS = {
    "get_public": request(b"GET", b"/ads?slot=top"),
    "get_sensitive": request(b"GET", b"/profiles/7"),
    "post_1k_scanned": request(b"POST", b"/clicks", body_of(1024)),
    "post_16k_scanned": request(b"POST", b"/clicks", body_of(16384)),
}


# ---------------------------------------------------------------- processes of this file


class Origin(asyncio.Protocol):
    """Answers every request with 80 bytes; cheap, so that the proxy is what is measured."""

    ANSWER = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 80\r\n\r\n"
        b'{"x":"' + b"y" * 72 + b'"}'
    )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = transport
        self.left = 0

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        while data:
            if self.left:
                taken = min(self.left, len(data))
                self.left -= taken
                data = data[taken:]
                if self.left:
                    return
                self.transport.write(self.ANSWER)
                continue
            head, _, data = data.partition(b"\r\n\r\n")
            at = head.lower().find(b"content-length:")
            self.left = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if not self.left:
                self.transport.write(self.ANSWER)


async def serve_origin(ready: Path) -> None:
    loop = asyncio.get_running_loop()
    public, private = bind("127.0.1.40:0"), bind("127.0.2.40:0")
    for bound in (public, private):
        await loop.create_server(Origin, sock=bound)
    write_ready(ready, "origin", {"public": address_of(public), "private": address_of(private)})
    await asyncio.Event().wait()


async def serve_naive(ready: Path, origin: str) -> None:
    """The proxy that every aiohttp tutorial shows."""
    session = ClientSession()

    async def handler(request: web.Request) -> web.Response:
        headers = request.headers.copy()
        headers.popall("Host", None)
        url = f"http://{origin}{request.rel_url}"
        async with session.request(
            request.method, url, headers=headers, data=await request.read()
        ) as got:
            return web.Response(
                status=got.status,
                body=await got.read(),
                headers={"Content-Type": got.headers["Content-Type"]},
            )

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    bound = bind("127.0.2.41:0")
    await web.SockSite(runner, bound).start()
    write_ready(ready, "naive", {"http": address_of(bound)})
    await asyncio.Event().wait()


# ---------------------------------------------------------------- measuring


class Asker(asyncio.Protocol):
    """Sends the same request again as soon as its answer is whole."""

    def __init__(self, data: bytes, count: "Round") -> None:
        self.data, self.round = data, count
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        """Send the next one, or close."""
        if self.round.take():
            self.transport.write(self.data)
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self.buffer += data
        head, mark, rest = self.buffer.partition(b"\r\n\r\n")
        if mark and len(rest) >= 80:
            assert head.startswith(b"HTTP/1.1 200"), head
            self.buffer = b""
            self.round.done()
            self.ask()


class Round:
    """A fixed number of requests over a fixed number of connections."""

    def __init__(self, total: int) -> None:
        self.left = self.open = total
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self) -> bool:
        """Whether another one is to be sent."""
        self.left -= 1
        return self.left >= 0

    def done(self) -> None:
        """One answer is whole."""
        self.open -= 1
        if not self.open:
            self.end.set_result(None)


def cpu_s(pid: int) -> float:
    """Time a process's threads have run so far, from the scheduler (nanoseconds, unlike the ticks of stat)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


async def one_round(address: str, pid: int, data: bytes, *, requests: int) -> float:
    """Microseconds of CPU per request."""
    loop = asyncio.get_running_loop()
    host, _, port = address.rpartition(":")
    count = Round(requests)
    before = cpu_s(pid)
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Asker(data, count), host, int(port))
    async with asyncio.timeout(120):
        await count.end
    return (cpu_s(pid) - before) / requests * 1e6


def start(arguments: list[str], ready: Path) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline_s = time.monotonic() + 20
    while (found := read_ready(ready)) is None:
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise SystemExit(f"{arguments}: did not start")
        time.sleep(0.02)
    return process, found.addresses


def start_router(
    root: Path, origin: dict[str, str]
) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    (root / "policy.yaml").write_text(POLICY)
    (root / "topology.yaml").write_text(
        "version: isthmus/v1\nsites:\n"
        f'  public: {{networks: [127.0.1.0/24], services: {{ads: {{endpoints: [{{address: "{origin["public"]}", node: a}}]}}}}}}\n'
        f'  private: {{networks: [127.0.2.0/24], services: {{profiles: {{endpoints: [{{address: "{origin["private"]}", node: p}}]}}}}}}\n'
    )
    settings = RouterSettings(
        name="bench", placement="core", site="private", policy=str(root / "policy.yaml"),
        topology=str(root / "topology.yaml"), listen="127.0.2.42:0", probe="127.0.2.42:0",
        admin=str(root / "admin"), evidence=str(root / "evidence"), ready=str(root / "router"),
    )  # fmt: skip
    (root / "settings.json").write_bytes(msgspec.json.encode(settings))
    return start(["-m", "router", "--settings", str(root / "settings.json")], root / "router")


def rows(measured: dict[tuple[str, str], list[float]]) -> Iterator[dict[str, object]]:
    for (system, workload), values in measured.items():
        yield {
            "system": system, "workload": workload, "metric": "cpu_us_per_request", "unit": "us",
            "median": round(statistics.median(values), 1), "min": round(min(values), 1),
            "max": round(max(values), 1), "n": len(values),
        }  # fmt: skip


def machine() -> dict[str, object]:
    names = [
        x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")
    ]
    cpu = names[0].partition(": ")[2] if names else platform.machine()
    return {"cpu": cpu, "cores": os.cpu_count(), "loadavg": list(os.getloadavg())}


async def measure(rounds: int, requests: int) -> dict[tuple[str, str], list[float]]:
    measured: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        started: list[subprocess.Popen[bytes]] = []
        try:
            process, origin = start([__file__, "--origin", str(root / "origin")], root / "origin")
            started.append(process)
            naive, naive_at = start(
                [__file__, "--naive", str(root / "naive"), origin["public"]], root / "naive"
            )
            started.append(naive)
            router, router_at = start_router(root, origin)
            started.append(router)
            systems = {
                "isthmus": (router, router_at["http"]),
                "aiohttp_naive": (naive, naive_at["http"]),
            }
            for workload, data in WORKLOADS.items():
                for number in range(rounds + 1):
                    for system, (proxy, address) in systems.items():
                        value = await one_round(address, proxy.pid, data, requests=requests)
                        if number:  # the first round warms up
                            measured.setdefault((system, workload), []).append(value)
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(10)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--origin", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--naive", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.origin:
        uvloop.run(serve_origin(arguments.origin))
    if arguments.naive:
        uvloop.run(serve_naive(Path(arguments.naive[0]), arguments.naive[1]))
    before = machine()
    measured = uvloop.run(measure(arguments.rounds, arguments.requests))
    report = {
        "benchmark": "router", "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": before, "rows": list(rows(measured)),
    }  # fmt: skip
    out = ROOT / ".isthmus" / "bench" / "router.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n")
    for row in report["rows"]:
        print(
            f"{row['system']:>14} {row['workload']:<18} {row['median']:>7} us  ({row['min']}-{row['max']}, n={row['n']})"
        )
    print(out.relative_to(ROOT))


if __name__ == "__main__":
    main()
