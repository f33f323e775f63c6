"""A ground for tests of pure planning: every name has a port, nothing is bound."""

from local.ground import Ground, port_names
from local.kafka import BrokerSpec
from local.plan import Engines
from local.postgres import PostgresSpec


def ground_of(ad_nodes: int = 10, root: str = "/nowhere/.isthmus/cloud") -> Ground:
    names = list(port_names(ad_nodes))
    return Ground(
        id="test", root=root, temporary="/tmp/isthmus-test", checkout="/nowhere", python="/usr/bin/python3",
        ports={name: 20_000 + n for n, name in enumerate(names)},
    )  # fmt: skip


def engines_of() -> Engines:
    broker = BrokerSpec(
        directory="/nowhere", listeners=(), inter_broker="X", controller="", voter=""
    )
    return Engines(
        public_broker=broker,
        private_broker=broker,
        postgres=PostgresSpec(directory="/tmp/isthmus-test/pg", binaries="/pg", run_as="nobody"),
        argv={name: (name,) for name in ("kafka-public", "kafka-private", "postgres")},
        ledger_dsn="host=/tmp/isthmus-test/pg/socket dbname=ledger",
    )
