"""How this folder's Kafka clients are configured, and how their errors become the loop's.

The numbers follow measurements: `fetch.queue.backoff.ms` at its default of 1000 throttles a consumer tenfold
over a slow link; a black-holed connection is given up after `socket.timeout.ms`, so that bound is what
catch-up after a cut costs; `transaction.timeout.ms` bounds how long a dead worker's open transaction holds
readers up.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import cast

import msgspec
import structlog
from confluent_kafka import KafkaError, KafkaException

from sync.batch import Disposition
from sync.faults import ReplicationError, disposition_of

Config = dict[str, object]

RECORD_BYTES_MAX = 32 * 1024 * 1024
"""The largest record our clients send or fetch; dead letters may be as large."""

WARN_EVERY_S = 5.0
"""A cut link reports itself on every reconnect; one line in five seconds says as much."""

_log = structlog.stdlib.get_logger("sync")
_library = logging.getLogger("sync.librdkafka")


class Brokers(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster: `bootstrap` as host:port list, `client` a properties file with credentials, or empty."""

    name: str
    bootstrap: str
    client: str = ""


def _base(brokers: Brokers, client_id: str) -> Config:
    """What every client shares: quick to give up a dead connection, quick to try again."""
    config: Config = {
        "bootstrap.servers": brokers.bootstrap,
        "client.id": client_id,
        "socket.connection.setup.timeout.ms": 2000,
        "api.version.request.timeout.ms": 2000,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 250,
        "retry.backoff.ms": 50,
        "retry.backoff.max.ms": 500,
        "log_level": 2,  # critical only: connections are reported through error_cb
        "logger": _library,
        "error_cb": _warner(brokers.name, client_id),
    }
    return config | _properties(brokers.client)


def _properties(client: str) -> dict[str, str]:
    """`name=value` lines, `#` comments, as Kafka's own client files have them."""
    if not client:
        return {}
    lines = (line.strip() for line in Path(client.removeprefix("file:")).read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _warner(site: str, client_id: str) -> Callable[[KafkaError], None]:
    last_s = -WARN_EVERY_S

    def warn(error: KafkaError) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= WARN_EVERY_S:
            last_s = now_s
            _log.warning("kafka.trouble", site=site, client=client_id, error=error.name())

    return warn


def admin_config(brokers: Brokers, *, client_id: str) -> Config:
    """For topic descriptions, watermarks and creation."""
    return _base(brokers, client_id) | {"socket.timeout.ms": 2000}


def producer_config(brokers: Brokers, *, client_id: str, size_max: int) -> Config:
    """For a target whose topic takes batches of `size_max` bytes: the library never splits one."""
    return _base(brokers, client_id) | {
        "acks": "all",
        "linger.ms": 5,  # commit flushes at once; this lets a batch fill while it is written
        "batch.size": min(1_000_000, size_max),
        "message.max.bytes": RECORD_BYTES_MAX,
        "socket.timeout.ms": 5000,
    }


def transactional_config(
    brokers: Brokers, *, transactional_id: str, size_max: int, timeout_ms: int
) -> Config:
    """For the exactly-once target."""
    return producer_config(brokers, client_id=transactional_id, size_max=size_max) | {
        "transactional.id": transactional_id,
        "transaction.timeout.ms": timeout_ms,
        "delivery.report.only.error": True,
    }


def consumer_config(brokers: Brokers, *, client_id: str) -> Config:
    """For a reader with fixed partitions and offsets of its own: never resets, never commits."""
    return _base(brokers, client_id) | {
        "group.id": client_id,  # required by the library; no group is joined
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,  # markers after the last record are no lag: only an end tells
        "check.crcs": True,
        "fetch.wait.max.ms": 500,  # an idle long poll; a record ends it at once
        "fetch.error.backoff.ms": 50,
        "fetch.queue.backoff.ms": 5,
        "fetch.message.max.bytes": 8 * 1024 * 1024,
        "queued.min.messages": 100_000,
        "queued.max.messages.kbytes": 65_536,
        "socket.timeout.ms": 2000,
    }


def kafka_error(error: KafkaException) -> KafkaError:
    """The error inside the exception."""
    return cast("KafkaError", error.args[0])


def replication_error(
    error: KafkaError, *, doing: str, deliveries: Iterable[str] = ()
) -> ReplicationError:
    """The loop's error for Kafka's; the text names what was being done, never a payload."""
    refusals = tuple(deliveries)
    detail = f" (deliveries: {', '.join(sorted(set(refusals)))})" if refusals else ""
    return ReplicationError(
        disposition_of(error.name(), deliveries=refusals),
        f"{doing}: {error.name()}: {error.str()}{detail}",
    )


@contextlib.contextmanager
def raising(doing: str) -> Generator[None]:
    """Kafka's exceptions, and waits that ran out, as the loop's."""
    try:
        yield
    except KafkaException as error:
        raise replication_error(kafka_error(error), doing=doing) from error
    except TimeoutError as error:
        raise ReplicationError(Disposition.RENEW, f"{doing}: timed out") from error
