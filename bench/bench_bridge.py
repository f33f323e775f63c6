"""CPU of the bridge's loop, and event to committed row. Writes .isthmus/bench/bridge.json.

Run by `make bench-bridge`. One real broker plays both sites (copies go through the same loop and the same
network stack); PostgreSQL is real. The peer in the same run is a bare consume-produce loop over the same
client library and settings without transactions or progress: the ceiling. CPU is this process's own, all
threads, brokers excluded. MirrorMaker 2's figures are in the anchors: 0.154-0.161 M records per CPU-second.
"""

import datetime as dt
import json
import multiprocessing
import os
import platform
import random
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import psycopg  # noqa: E402 - after the path
from confluent_kafka import Producer  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402

from contracts.settings import BridgeSettings  # noqa: E402
from local.kafka import BrokerSpec, Listener, broker_argv, write_broker  # noqa: E402
from local.ports import free_port  # noqa: E402
from local.postgres import (  # noqa: E402
    answers,
    create_databases,
    dsn,
    plan_postgres,
    postgres_argv,
    server_environ,
    write_postgres,
)
from policy.model import StreamRule  # noqa: E402
from runtime.processes import Launch, end_processes, start_process  # noqa: E402
from sync.admin import Cluster  # noqa: E402
from sync.bridge import Bridge  # noqa: E402
from sync.clients import Brokers, producer_config  # noqa: E402
from sync.faults import Alarm  # noqa: E402
from sync.kafka import Source, TransactionalTarget  # noqa: E402
from sync.mirror import Ends, MirrorSession, Slice  # noqa: E402
from sync.plan import partitions_of, slice_id  # noqa: E402
from sync.registry import Registry  # noqa: E402
from sync.settings import BridgePlan  # noqa: E402
from sync.setup import Link, establish  # noqa: E402
from toolchain.kafka import fetch_kafka  # noqa: E402

HOST = "127.0.3.1"
RECORDS, VALUE_BYTES, PARTITIONS, BATCH, ROUNDS = 300_000, 300, 4, 5000, 3
RATE, WARM_S, MEASURED_S = 2000, 5, 12
START_S = 60.0


def wait_for(done: Callable[[], bool], what: str) -> None:
    """Poll until `done`, or end the benchmark."""
    deadline = time.monotonic() + START_S
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {START_S} s: {what}")
        time.sleep(0.02)


def listens(address: str) -> bool:
    """Whether somebody accepts at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def broker(scratch: Path) -> Iterator[str]:
    """One broker; its bootstrap address."""
    jars = fetch_kafka(ROOT / ".isthmus" / "engines")
    chance, taken = random.Random(), set[int]()
    client, controller = (f"{HOST}:{free_port(HOST, chance, taken=taken)}" for _ in range(2))
    scratch.mkdir()
    spec = BrokerSpec(
        directory=str(scratch),
        listeners=(Listener(name="CLIENT", bind=client, advertised=client),),
        inter_broker="CLIENT",
        controller=controller,
        voter=controller,
    )
    write_broker(jars, spec)
    process = start_process(
        Launch(argv=broker_argv(jars, spec), cwd=str(scratch), log=str(scratch / "log"))
    )
    try:
        wait_for(lambda: listens(client), "the broker listens")
        yield client
    finally:
        end_processes([process], signum=signal.SIGTERM, grace_s=10)


@contextmanager
def postgres(scratch: Path) -> Iterator[str]:
    """One PostgreSQL; the DSN of an empty database."""
    scratch.mkdir(mode=0o711)
    spec = plan_postgres(scratch)
    write_postgres(spec, server_environ())
    process = start_process(
        Launch(
            argv=postgres_argv(spec), environ=server_environ(), cwd="/", log=str(scratch / "log"),
            user=spec.run_as, inherit=False,
        )
    )  # fmt: skip
    try:
        wait_for(lambda: answers(spec), "PostgreSQL answers")
        create_databases(spec, ("bench",))
        yield dsn(spec, "bench")
    finally:
        end_processes([process], signum=signal.SIGINT, grace_s=10)


class Bench:
    """A broker with a full source topic, and a link over it."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.brokers = Brokers(name="bench", bootstrap=bootstrap)
        self.cluster = Cluster(self.brokers, client_id="bench")
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def create(self, topic: str) -> None:
        """A topic of the usual partitions."""
        self._admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
        wait_for(lambda: self.cluster.describe(topic) is not None, f"{topic} is there")

    def fill(self, topic: str) -> None:
        """`RECORDS` records with key and timestamp, evenly over the partitions."""
        self.create(topic)
        producer = Producer(
            {"bootstrap.servers": self.bootstrap, "linger.ms": 20, "log_level": 0,
             "queue.buffering.max.messages": RECORDS}
        )  # fmt: skip
        value = random.Random(1).randbytes(VALUE_BYTES)
        for number in range(RECORDS):
            producer.produce(
                topic, value, b"key-%012d" % number, number % PARTITIONS,
                timestamp=1_700_000_000_000 + number,
            )  # fmt: skip
        producer.flush()

    def eos(self, topic: str, run: int) -> float:
        """Records per CPU-second of the exactly-once loop."""
        name = f"bench-{run}"
        stop = threading.Event()
        registry = Registry(self.cluster, name, transaction_timeout_ms=10_000, stop=stop)
        link = Link(name, self.cluster, self.cluster, registry)
        stream = StreamRule(
            topic=topic, source="a", target="b", carry_all=True, rename=f"eos-{run}"
        )
        plan = establish(link, stream, slices_max=1)
        identity = slice_id(name, topic, slice_no=0)
        size_max = self.cluster.batch_bytes_max(plan.target)
        target = TransactionalTarget(
            self.brokers, transactional_id=identity, size_max=size_max, timeout_ms=10_000
        )
        own = Slice(plan, partitions_of(0, partitions=PARTITIONS, slices=1), size_max, "bench")
        source = Source(self.brokers, client_id=identity, topic=topic)
        session = MirrorSession(link, own, ends=Ends(target, source), alarm=Alarm(), stop=stop)
        session.open()
        done, cpu_s = 0, time.process_time()
        while done < RECORDS:
            if fetched := session.fetch(BATCH):
                session.copy(None)
                session.commit()
                done += fetched
        spent_s = time.process_time() - cpu_s
        session.close()
        return done / spent_s

    def plain(self, topic: str, run: int) -> float:
        """Records per CPU-second of a bare consume-produce loop."""
        target = f"plain-{run}"
        self.create(target)
        source = Source(self.brokers, client_id=target, topic=topic)
        source.open(dict.fromkeys(range(PARTITIONS), 0))
        config = producer_config(self.brokers, client_id=target, size_max=1_000_000)
        producer = Producer(config | {"delivery.report.only.error": True})
        done, cpu_s = 0, time.process_time()
        while done < RECORDS:
            messages = source.fetch(BATCH)
            for message in messages:
                producer.produce(
                    target, message.value(), message.key(), message.partition(),
                    timestamp=message.timestamp()[1], headers=message.headers(),
                )  # fmt: skip
            producer.flush()
            done += len(messages)
        spent_s = time.process_time() - cpu_s
        source.close()
        return done / spent_s


def generate(bootstrap: str, topic: str) -> None:
    """Clicks at `RATE` a second, each stamped when it is handed to the producer."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 2, "log_level": 0})
    began = time.time()
    for number in range(RATE * (WARM_S + MEASURED_S)):
        due = began + number / RATE
        while (wait_s := due - time.time()) > 0:
            producer.poll(0)
            time.sleep(wait_s)
        now_ms = int(time.time() * 1000)
        event = {
            "event_id": uuid.uuid4().hex, "ad": f"ad-{number % 50}", "campaign": "spring",
            "site": "public", "node": "clicks-1", "accepted_ms": now_ms, "occurred_ms": now_ms,
        }  # fmt: skip
        producer.produce(topic, json.dumps(event), f"ad-{number % 50}", number % PARTITIONS)
    producer.flush()


def event_to_row(bench: Bench, warehouse: str) -> dict[str, float]:
    """p50 and p99 of event to committed row through mirror and loader, in ms."""
    bench.create("clicks")
    stream = StreamRule(topic="clicks", source="public", target="private", carry_all=True)
    settings = BridgeSettings(
        name="bench", link="rows", site="private", policy="", topology="", control="", ready="",
        warehouse_topics=(stream.target_topic,), slices_max=1,
    )  # fmt: skip
    plan = BridgePlan(
        settings=settings, streams=(stream,), source=bench.brokers, own=bench.brokers,
        warehouse_dsn=warehouse, policy_digest="bench",
    )  # fmt: skip
    bridge = Bridge(plan)
    bridge.start()
    wait_for(lambda: bridge.running, "the bridge runs")
    child = multiprocessing.get_context("spawn").Process(
        target=generate, args=(bench.bootstrap, "clicks")
    )
    child.start()
    child.join()
    total = RATE * (WARM_S + MEASURED_S)
    wait_for(lambda: bridge.status().warehouse_rows == total, "every row is there")
    bridge.stop()
    with psycopg.connect(warehouse) as connection:
        row = connection.execute(
            "select percentile_cont(array[0.5, 0.99]) within group"
            " (order by extract(epoch from committed_at) * 1000 - accepted_ms)"
            " from events where accepted_ms > (select min(accepted_ms) from events) + %s",
            (WARM_S * 1000,),
        ).fetchone()
    p50, p99 = row[0] if row else (0.0, 0.0)
    return {"p50_ms": float(p50), "p99_ms": float(p99)}


def row(
    system: str, workload: str, *, metric: str, unit: str, values: list[float]
) -> dict[str, object]:
    """One row of the result file."""
    return {
        "system": system, "workload": workload, "metric": metric, "unit": unit,
        "median": round(statistics.median(values), 1), "min": round(min(values), 1),
        "max": round(max(values), 1), "n": len(values),
    }  # fmt: skip


def machine() -> dict[str, object]:
    """What it ran on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    cpu = names[0] if names else platform.processor()
    return {"cpu": cpu, "cores": os.cpu_count(), "loadavg": round(os.getloadavg()[0], 2)}


def measure(bootstrap: str, warehouse: str) -> list[dict[str, object]]:
    """Every row; copies are paired, because CPU per record moves with the machine's load."""
    bench = Bench(bootstrap)
    bench.fill("source")
    eos: list[float] = []
    plain: list[float] = []
    for run in range(ROUNDS):
        eos.append(bench.eos("source", run))
        plain.append(bench.plain("source", run))
    latency = event_to_row(bench, warehouse)
    per_s = "records/cpu_s"
    return [
        row("isthmus", "copy_eos", metric="records_per_cpu_s", unit=per_s, values=eos),
        row("plain_loop", "copy", metric="records_per_cpu_s", unit=per_s, values=plain),
        *(
            row("isthmus", "event_to_row_2k", metric=name, unit="ms", values=[value])
            for name, value in latency.items()
        ),
    ]


def main() -> None:
    """Measure, print and write."""
    before = machine()
    with (
        tempfile.TemporaryDirectory(prefix="isthmus-bench-", ignore_cleanup_errors=True) as name,
        broker(Path(name, "kafka")) as bootstrap,
    ):
        Path(name).chmod(0o711)  # the server runs as nobody when we are root
        with postgres(Path(name, "postgres")) as warehouse:
            rows = measure(bootstrap, warehouse)
    result = {
        "benchmark": "bridge",
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": before,
        "rows": rows,
    }
    path = ROOT / ".isthmus" / "bench" / "bridge.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    for item in rows:
        print(
            f"{item['system']:10} {item['workload']:18} {item['metric']:18} {item['median']:12,.1f}"
        )
    print(path)


if __name__ == "__main__":
    main()
