"""The three engines inside a cloud: made on disk before they start, asked whether they serve afterwards."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from time import sleep
from typing import cast

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from local import kafka, postgres
from local.brokers import private_broker, public_broker
from local.ground import Ground
from local.plan import Engines, ProcessSpec

TOPIC = "clicks"
PARTITIONS = 4
"""The bridge's slices: one a partition, so that two cores have work and a dead slice halts a quarter."""
DATABASES = ("ledger", "warehouse")
ASK_S = 1.0
POLL_S = 0.05


def plan_engines(ground: Ground, jars: Path) -> Engines:
    """The engines of a cloud on this ground."""
    public, private = public_broker(ground), private_broker(ground)
    database = postgres.plan_postgres(Path(ground.temporary, "pg"))
    return Engines(
        public_broker=public,
        private_broker=private,
        postgres=database,
        argv={
            "kafka-public": kafka.broker_argv(jars, public),
            "kafka-private": kafka.broker_argv(jars, private),
            "postgres": postgres.postgres_argv(database),
        },
        ledger_dsn=postgres.dsn(database, "ledger"),
    )


class EngineRoom:
    """Prepares and confirms the engines of one cloud."""

    def __init__(self, ground: Ground, engines: Engines, jars: Path) -> None:
        self._ground = ground
        self._engines = engines
        self._jars = jars

    def prepare(self, spec: ProcessSpec) -> None:
        """Make what the engine needs on disk. Raises `KafkaError`, `PostgresError`."""
        match spec.name:
            case "kafka-public":
                kafka.write_broker(self._jars, self._engines.public_broker, spec.environ)
            case "kafka-private":
                kafka.write_broker(self._jars, self._engines.private_broker, spec.environ)
            case "postgres":
                postgres.write_postgres(self._engines.postgres, spec.environ)
            case _:
                pass

    def confirm(self, spec: ProcessSpec, check: Callable[[], None]) -> None:
        """Wait until the engine serves and holds what the cloud expects of it."""
        match spec.name:
            case "kafka-public":
                create_topic(self._ground.address("tap/kafka"), check)
            case "kafka-private":
                create_topic(self._ground.address("kafka-private/client"), check)
            case "postgres":
                while not postgres.answers(self._engines.postgres):
                    check()
                    sleep(POLL_S)
                postgres.create_databases(self._engines.postgres, DATABASES)
            case _:
                pass


def create_topic(bootstrap: str, check: Callable[[], None]) -> None:
    """Wait for the broker and see the topic `clicks` there."""
    admin = AdminClient(
        {
            "bootstrap.servers": bootstrap,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 100,
            "log_level": 0,  # a broker that is still starting is no news
            "broker.address.family": "v4",
        }
    )
    topic = NewTopic(TOPIC, num_partitions=PARTITIONS, replication_factor=1)
    while True:
        check()
        try:
            admin.list_topics(timeout=ASK_S)
            created = cast(
                "dict[str, Future[None]]",
                admin.create_topics([topic], request_timeout=5 * ASK_S),  # pyright: ignore[reportUnknownMemberType] -- the library leaves its futures' type open
            )
            created[TOPIC].result(5 * ASK_S)
        except KafkaException as error:
            fault: KafkaError = error.args[0]
            if fault.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return
            sleep(POLL_S)
        else:
            return
