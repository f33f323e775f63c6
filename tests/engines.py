"""Real Kafka and PostgreSQL for tests: one of each per session, started on first use, gone at its end."""

import random
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from local.kafka import BrokerSpec, Listener, broker_argv, write_broker
from local.ports import free_port
from local.postgres import answers as postgres_answers
from local.postgres import (
    create_databases,
    dsn,
    plan_postgres,
    postgres_argv,
    server_environ,
    write_postgres,
)
from runtime.processes import Launch, Process, end_processes, is_alive, start_process
from toolchain.kafka import fetch_kafka

ROOT = Path(__file__).parents[1]
START_S = 60
HOST = "127.0.3.1"


@dataclass(frozen=True)
class KafkaBroker:
    """A broker of the test session; `bootstrap` is `host:port`. Topics are not created on demand."""

    bootstrap: str


def wait_until(done: Callable[[], bool], process: Process, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not done():
        if not is_alive(process) or time.monotonic() > deadline:
            pytest.fail(f"engine did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.05)


def port_answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaBroker]:
    jars = fetch_kafka(ROOT / ".isthmus" / "engines")
    chance, taken = random.Random(), set[int]()
    client, controller = (f"{HOST}:{free_port(HOST, chance, taken=taken)}" for _ in range(2))
    with tempfile.TemporaryDirectory(prefix="isthmus-test-", ignore_cleanup_errors=True) as scratch:
        spec = BrokerSpec(
            directory=scratch,
            listeners=(Listener(name="CLIENT", bind=client, advertised=client),),
            inter_broker="CLIENT",
            controller=controller,
            voter=controller,
        )
        write_broker(jars, spec)
        log = Path(scratch, "log")
        process = start_process(Launch(argv=broker_argv(jars, spec), cwd=scratch, log=str(log)))
        try:
            wait_until(lambda: port_answers(client), process, log)
            AdminClient({"bootstrap.servers": client}).list_topics(timeout=START_S)
            yield KafkaBroker(bootstrap=client)
        finally:
            end_processes([process], signum=signal.SIGTERM, grace_s=10)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """A libpq connection string for an empty database `test`; create more with it if needed."""
    with tempfile.TemporaryDirectory(prefix="isthmus-test-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o711)  # the server runs as nobody when we are root
        spec = plan_postgres(Path(scratch))
        write_postgres(spec, server_environ())
        log = Path(scratch, "log")
        process = start_process(
            Launch(
                argv=postgres_argv(spec), environ=server_environ(), cwd="/", log=str(log),
                user=spec.run_as, inherit=False,
            )
        )  # fmt: skip
        try:
            wait_until(lambda: postgres_answers(spec), process, log)
            create_databases(spec, ("test",))
            yield dsn(spec, "test")
        finally:
            end_processes([process], signum=signal.SIGINT, grace_s=10)
