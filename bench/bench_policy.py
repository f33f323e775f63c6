"""CPU of the policy on one core: per KB scanned, and per request judged. Writes .isthmus/bench/policy.json.

Run by `make bench-policy`. Peers in the same run: the RE2 set alone (the floor) and Python's `re` over the
same suspects (what most gateways' plugins do).
"""

import datetime as dt
import json
import os
import platform
import random
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_from_bytes

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from policy.classify import Classifier  # noqa: E402 - after the path
from policy.detect import DETECTORS, Scanner  # noqa: E402
from policy.load import load_policy  # noqa: E402
from policy.model import HeldBody, HoldBody, RequestHead  # noqa: E402
from policy.patterns import PatternSet  # noqa: E402

POLICY = b"""
version: isthmus/v1
sites: {public: {holds: [public]}, private: {holds: [public, sensitive]}}
detectors: {enable: [cn-mobile, cn-resident-id, bank-card, email]}
routes:
  - {id: ads, match: {methods: [GET], paths: ["/ads", "/ads/**"]}, class: public, service: ads, cookies: [ab]}
  - {id: click, match: {methods: [POST], paths: ["/clicks"]}, class: public, service: clicks, inspect: {body: 64KiB}}
  - {id: orders, match: {paths: ["/orders", "/orders/**"]}, class: sensitive, service: orders}
"""
SAMPLES, SAMPLE_S = 9, 0.15


def clean_json(rng: random.Random, size: int) -> bytes:
    """A batch of clicks as JSON, cut at a whole event past `size` bytes."""
    events: list[dict[str, object]] = []
    while len(json.dumps(events)) < size:
        events.append(
            {
                "event_id": f"{rng.getrandbits(128):032x}",
                "ad": f"ad-{rng.randrange(10**6)}",
                "campaign": f"c-{rng.randrange(100)}",
                "occurred_ms": 1_795_547_713_000 + rng.randrange(10**9),
                "price": round(rng.random() * 100, 2),
                "note": "seen on the home page",
            }
        )
    return json.dumps(events).encode()


def head(method: str, target: bytes, *, body: bytes = b"") -> RequestHead:
    """A browser's head of about 600 bytes."""
    headers = [
        (b"Host", b"shop.example"),
        (
            b"User-Agent",
            b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            b"Chrome/142.0.0.0 Safari/537.36",
        ),
        (b"Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"),
        (b"Accept-Language", b"zh-CN,zh;q=0.9,en;q=0.8"),
        (b"Accept-Encoding", b"gzip, deflate, br, zstd"),
        (b"Cookie", b"ab=a"),
        (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        (b"Isthmus-Beacon", b"b-abcdefghijklmnopqrstuvwx"),
    ]
    if body:
        headers.append((b"Content-Type", b"application/json"))
    return RequestHead(
        method=method, target=target, host="shop.example", headers=tuple(headers),
        has_body=bool(body), content_length=len(body) if body else None,
    )  # fmt: skip


def cpu_us(work: Callable[[], object]) -> list[float]:
    """CPU microseconds of one call, once per sample; warmed up first."""
    calls, spent = 1, 0.0
    while spent < SAMPLE_S / 4:
        calls *= 2
        started = time.process_time()
        for _ in range(calls):
            work()
        spent = time.process_time() - started
    calls = max(1, int(calls * SAMPLE_S / spent))
    samples: list[float] = []
    for _ in range(SAMPLES):
        started = time.process_time()
        for _ in range(calls):
            work()
        samples.append((time.process_time() - started) / calls * 1e6)
    return samples


def row(
    system: str, workload: str, *, metric: str, samples: list[float], per: float = 1.0
) -> dict[str, object]:
    """One row of the result file."""
    values = [sample / per for sample in samples]
    return {
        "system": system, "workload": workload, "metric": metric, "unit": "us",
        "median": round(statistics.median(values), 3), "min": round(min(values), 3),
        "max": round(max(values), 3), "n": len(values),
    }  # fmt: skip


def scan_rows(rng: random.Random) -> list[dict[str, object]]:
    """Microseconds per KB of text as it came (escaped size for the escaped workload)."""
    scanner = Scanner(load_policy(POLICY, "bench"))
    suspects = [detector.suspect for detector in DETECTORS.values()]
    floor = PatternSet(suspects, utf8=False)
    backtracking = re.compile(b"|".join(b"(?:%b)" % suspect for suspect in suspects))
    rows: list[dict[str, object]] = []
    for size in (1024, 16384):
        plain = clean_json(rng, size)
        escaped = quote_from_bytes(plain).encode()
        chinese = json.dumps(
            {"note": "双十一满减活动，全场包邮。" * (size // 40)}, ensure_ascii=False
        ).encode()
        for name, text in (
            ("plain", plain),
            ("percent", escaped),
            ("percent_all", b"".join(b"%%%02X" % code for code in plain)),
            ("chinese", chinese),
            ("chinese_percent", quote_from_bytes(chinese).encode()),
        ):
            if found := scanner.find(text):
                raise SystemExit(f"clean text was raised: {found}")
            kb = len(text) / 1024
            label = f"scan_{name}_{size // 1024}k"
            samples = cpu_us(lambda text=text: scanner.find(text))
            rows.append(row("isthmus", label, metric="cpu_us_per_kb", samples=samples, per=kb))
            if name == "plain":
                for system, work in (
                    ("re2_set", lambda text=text: floor.match(text)),
                    ("python_re", lambda text=text: backtracking.search(text)),
                ):
                    samples = cpu_us(work)
                    rows.append(row(system, label, metric="cpu_us_per_kb", samples=samples, per=kb))
    hostile = "x".join("".join(rng.choices("0123456789 .-", k=21)) for _ in range(2978)).encode()
    samples = cpu_us(lambda: scanner.find(hostile))
    rows.append(row("isthmus", "scan_hostile_64k", metric="cpu_us_per_kb", samples=samples, per=64))
    return rows


def request_rows(rng: random.Random) -> list[dict[str, object]]:
    """Microseconds per verdict."""
    classifier = Classifier(load_policy(POLICY, "bench"))

    def judged(request: RequestHead, body: bytes) -> Callable[[], object]:
        held = HeldBody(data=body)

        def work() -> object:
            verdict = classifier.head(request)
            return (
                classifier.body(verdict, request, held)
                if isinstance(verdict, HoldBody)
                else verdict
            )

        return work

    one, sixteen = clean_json(rng, 1024), clean_json(rng, 16384)
    cases = {
        "get_public": (head("GET", b"/ads?slot=home-1&size=1024&ts=1795547713123"), b""),
        "get_public_percent": (head("GET", b"/ads?kw=%E5%8F%8C%E5%8D%81%E4%B8%80&slot=1"), b""),
        "get_sensitive": (head("GET", b"/orders/o-17"), b""),
        "post_1k_scanned": (head("POST", b"/clicks", body=one), one),
        "post_16k_scanned": (head("POST", b"/clicks", body=sixteen), sixteen),
    }
    return [
        row("isthmus", name, metric="cpu_us_per_request", samples=cpu_us(judged(request, body)))
        for name, (request, body) in cases.items()
    ]


def machine() -> dict[str, object]:
    """What it ran on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    cpu = names[0] if names else platform.processor()
    return {"cpu": cpu, "cores": os.cpu_count(), "loadavg": round(os.getloadavg()[0], 2)}


def main() -> None:
    """Measure, print and write."""
    rng = random.Random(4711)
    before = machine()
    rows = scan_rows(rng) + request_rows(rng)
    result = {
        "benchmark": "policy",
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": before,
        "rows": rows,
    }
    path = ROOT / ".isthmus" / "bench" / "policy.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    for item in rows:
        print(
            f"{item['system']:10} {item['workload']:26} {item['metric']:20} {item['median']:9.2f} us"
        )
    print(path)


if __name__ == "__main__":
    main()
