"""What one request costs the open-loop engine, against a minimal responder in another process.

CPU per request is the figure: it is stable on a shared machine where requests per second are not.
Run as `python bench/bench_load.py [--rate R] [--seconds S] [--rounds N]`; `wrk` joins when it is on PATH.
"""

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

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
        if shutil.which("wrk"):
            rows.append(wrk_row(address, options))
    finally:
        responder.stdin.close()
        responder.wait(timeout=10)
        responder.stdout.close()
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
                row("isthmus", workload, metric, unit=unit, values=[run[metric] for run in runs])
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
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
