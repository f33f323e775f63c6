"""What one request costs the load engines, beside wrk against the same nginx; and what a million orders cost the checker.

CPU per request is the figure: it is stable on a shared machine where requests per second are not. The driven
engine (`load run`) and wrk load the same nginx in turn; wrk is a closed loop in C that keeps no latency of
intended instants, so it is the floor and not a rival. The tenant's engine (demo) loads a minimal responder.
Run as `python bench/bench_load.py [--rate R] [--seconds S] [--rounds N] [--orders N]`.
"""

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from contracts.history import LedgerRow, OrderEvent
from loadtest.check_orders import check_orders
from loadtest.drive.histogram import Latencies
from loadtest.sink import read_lines

ROOT = Path(__file__).parents[1]
RESPONDER = """
import asyncio, sys, uvloop

ANSWER = b"HTTP/1.1 %s\\r\\nContent-Type: application/json\\r\\nIsthmus-Served-By: public/ad-1\\r\\nContent-Length: 64\\r\\n\\r\\n" + b'{"order_id":"' + b"a" * 36 + b'","pad":"xxxx"}'
OK, ACCEPTED = ANSWER % b"200 OK", ANSWER % b"202 Accepted"

class Responder(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.buffer = b""

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\\r\\n\\r\\n")) >= 0:
            head = self.buffer[:end]
            at = head.find(b"Content-Length: ")
            size = int(head[at + 16:].split(b"\\r\\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + size:
                return
            self.buffer = self.buffer[end + 4 + size:]
            self.transport.write(ACCEPTED if head.startswith(b"POST /clicks") else OK)

async def main():
    server = await asyncio.get_running_loop().create_server(Responder, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

uvloop.run(main())
"""


def main() -> int:
    """Measure, print a table, write `.isthmus/bench/load.json`."""
    options = _options()
    responder = subprocess.Popen(
        [sys.executable, "-c", RESPONDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert responder.stdout is not None
    assert responder.stdin is not None
    try:
        address = f"127.0.0.1:{responder.stdout.readline().strip()}"
        rows = engine_rows(address, options)
    finally:
        responder.stdin.close()
        responder.wait(timeout=10)
        responder.stdout.close()
    rows += nginx_rows(options)
    rows.append(orders_row(options))
    report = {
        "benchmark": "load",
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "loadavg": os.getloadavg()},
        "rows": rows,
    }
    path = ROOT / ".isthmus" / "bench" / "load.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    for row in rows:
        print(*(row[key] for key in ("system", "workload", "metric", "median", "min", "max", "n")))
    return 0


def engine_rows(address: str, options: argparse.Namespace) -> list[dict[str, object]]:
    """CPU, median and p99 of the engine for ads only and for the mix of the demo."""
    rows: list[dict[str, object]] = []
    mixes = {
        "get_public": ({"ads": 1.0}, 0.0),
        "mix": ({"ads": 0.7, "click": 0.2, "order": 0.07, "profile": 0.03}, 0.05),
    }
    for workload, (mix, canary_share) in mixes.items():
        runs = [
            one_run(address, options, mix=mix, canary_share=canary_share, seed=seed)
            for seed in range(options.rounds)
        ]
        for metric, unit in (("cpu_us_per_request", "us"), ("p50_ms", "ms"), ("p99_ms", "ms")):
            rows.append(
                row(
                    "isthmus_demo",
                    workload,
                    metric,
                    unit=unit,
                    values=[run[metric] for run in runs],
                )
            )
    return rows


def one_run(
    address: str,
    options: argparse.Namespace,
    *,
    mix: dict[str, float],
    canary_share: float,
    seed: int,
) -> dict[str, float]:
    """One run of the engine as a process; refuses figures of a run that fell short."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        plan = {
            "run": "bench", "seed": seed, "rate": options.rate, "duration_s": options.seconds,
            "core": address, "edge": address, "mix": mix, "canary_share": canary_share,
        }  # fmt: skip
        (out / "plan.json").write_text(json.dumps(plan))
        subprocess.run(
            [sys.executable, "-m", "loadtest", "run", "--plan", out / "plan.json", "--out", out],
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
        summary = json.loads((out / "summary.json").read_text())
        latencies = sorted(json.loads(line)[2] for line in (out / "requests.ndjson").open())
    assert summary["completed"] == summary["planned"] == len(latencies)
    return {
        "cpu_us_per_request": summary["cpu_s"] * 1e6 / summary["sent"],
        "p50_ms": latencies[len(latencies) // 2] / 1000,
        "p99_ms": latencies[len(latencies) * 99 // 100] / 1000,
    }


NGINX = """
worker_processes 1; daemon off; pid {scratch}/nginx.pid; error_log {scratch}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {scratch}/b; proxy_temp_path {scratch}/p; fastcgi_temp_path {scratch}/f;
  uwsgi_temp_path {scratch}/u; scgi_temp_path {scratch}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; return 200 '{body}'; }} }}
}}
"""
ANSWER = '{"slot":"home","pad":"' + "x" * 200 + '"}'


def nginx_rows(options: argparse.Namespace) -> list[dict[str, object]]:
    """The driven engine and wrk against one nginx; says what is missing and how to get it."""
    missing = [
        name
        for name in ("nginx", "wrk")
        if not (shutil.which(name) or Path(f"/usr/sbin/{name}").exists())
    ]
    if missing:
        print(
            f"skipped against nginx: {' and '.join(missing)} not found; get it: apt-get install {' '.join(missing)}"
        )
        return []
    with tempfile.TemporaryDirectory() as scratch:
        port = free_port()
        config = Path(scratch) / "nginx.conf"
        config.write_text(NGINX.format(scratch=scratch, port=port, body=ANSWER))
        server = subprocess.Popen(
            [shutil.which("nginx") or "/usr/sbin/nginx", "-c", config, "-p", scratch],
            stderr=subprocess.DEVNULL,
        )
        try:
            address = f"127.0.0.1:{port}"
            until_open(address)
            runs = [driven_run(address, options, seed=seed) for seed in range(options.rounds)]
            rows = [
                row(
                    "isthmus", "get_public", metric, unit=unit, values=[run[metric] for run in runs]
                )
                for metric, unit in (
                    ("cpu_us_per_request", "us"),
                    ("requests_per_core_s", "1/s"),
                    ("achieved_rps", "1/s"),
                    ("p50_ms", "ms"),
                    ("p99_ms", "ms"),
                )
            ]
            return [*rows, wrk_row(address, options)]
        finally:
            server.terminate()
            server.wait(timeout=10)


def driven_run(address: str, options: argparse.Namespace, *, seed: int) -> dict[str, float]:
    """One run of `load run` as a process with one worker."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        plan = {
            "version": "isthmus/v1", "run": "bench", "seed": seed, "targets": {"web": address}, "connections": 64,
            "requests": [{"name": "ads", "target": "web", "path": "/ads", "headers": {"Accept": "*/*"}}],
            "profile": [{"name": "steady", "kind": "constant", "for_s": options.seconds, "rate": options.drive_rate}],
        }  # fmt: skip
        (out / "plan.yaml").write_text(json.dumps(plan))
        code = "from cli.load import load_app; load_app()"
        subprocess.run(
            [sys.executable, "-c", code, "run", "-f", out / "plan.yaml", "--out", out / "run"],
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
        run = json.loads((out / "run" / "run.json").read_text())
        found = summed(out / "run" / "cells-0.ndjson")
    summary = run["summaries"][0]
    assert summary["completed"] == summary["planned"] == summary["sent"]
    cpu_us = summary["cpu_s"] * 1e6 / summary["sent"]
    return {
        "cpu_us_per_request": cpu_us,
        "requests_per_core_s": 1e6 / cpu_us,
        "achieved_rps": summary["sent"] / summary["wall_s"],
        "p50_ms": found.quantile_ms(0.5),
        "p99_ms": found.quantile_ms(0.99),
    }


def summed(path: Path) -> Latencies:
    """All latencies of a worker."""
    total = Latencies()
    for line in path.read_text().splitlines():
        total.decode(json.loads(line)[8])
    return total


def orders_row(options: argparse.Namespace) -> dict[str, object]:
    """CPU seconds of the order-history checker from files: two events and one row of a ledger per order."""
    with tempfile.TemporaryDirectory() as scratch:
        history, ledger = Path(scratch) / "orders-0.ndjson", Path(scratch) / "ledger.ndjson"
        with history.open("w") as events, ledger.open("w") as rows:
            for n in range(options.orders):
                key, sha = f"sale-aa{n:09d}", f"{n:064x}"
                shared = f'"key":"{key}","attempt":1,"mono_ns":{n},"wall_ms":{n},"body_sha":"{sha}"'
                events.write(f'{{"kind":"invoke",{shared}}}\n')
                events.write(f'{{"kind":"ok",{shared},"order_id":"{n:032x}","status":201}}\n')
                rows.write(
                    f'{{"key":"{key}","order_id":"{n:032x}","body_sha":"{sha}","site":"private"}}\n'
                )
        begun_s = time.process_time()
        check = check_orders(
            read_lines(history, OrderEvent),
            read_lines(ledger, LedgerRow),
            may_hold=frozenset({"private"}),
        )
        cpu_s = time.process_time() - begun_s
    assert check.acked == options.orders
    assert not check.examples
    return row("isthmus", f"check_{options.orders}_orders", "cpu_s", unit="s", values=[cpu_s])


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def until_open(address: str) -> None:
    """Return once somebody listens; fails after ten seconds."""
    host, _, port = address.partition(":")
    deadline_s = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)
        else:
            return


def wrk_row(address: str, options: argparse.Namespace) -> dict[str, object]:
    """CPU per request of wrk, closed loop, on the same responder."""
    values: list[float] = []
    program = shutil.which("wrk")
    assert program is not None
    for _ in range(options.rounds):
        before = os.times()
        done = subprocess.run(
            [program, "-t1", "-c32", f"-d{options.seconds}s", f"http://{address}/ads"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        after = os.times()
        cpu_s = (
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system
        )
        count = next(
            int(line.split()[0]) for line in done.stdout.splitlines() if "requests in" in line
        )
        values.append(cpu_s * 1e6 / count)
    return row("wrk", "get_public", "cpu_us_per_request", unit="us", values=values)


def row(
    system: str, workload: str, metric: str, *, unit: str, values: list[float]
) -> dict[str, object]:
    """One line of the report."""
    return {
        "system": system, "workload": workload, "metric": metric, "unit": unit,
        "median": round(statistics.median(values), 3), "min": round(min(values), 3),
        "max": round(max(values), 3), "n": len(values),
    }  # fmt: skip


def cpu_name() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=4000)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--drive-rate", type=float, default=30_000, help="of the driven engine")
    parser.add_argument("--orders", type=int, default=1_000_000)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
