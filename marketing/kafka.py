"""The one home of confluent_kafka here: a record is handed over, and its delivery awaited.

librdkafka wants somebody to poll for delivery reports; a thread does, and wakes the loop. The producer is
idempotent with acks=all, so an answer of 202 means that every in-sync replica has the record.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

DELIVERY_MS_MAX: Final = 3000
"""A click waits this long for its acknowledgement, then its client hears 503 and decides."""

START_S_MAX = 15.0
"""A broker that is starting beside us needs up to 8 s; twice that means it is not coming."""

LINGER_MS = 2
"""Longest wait for company in a batch; a fifth of the 10 ms a click may cost."""

QUEUED_MESSAGES_MAX = 10_000
POLL_S = 0.1


class DeliveryError(Exception):
    """The record was not acknowledged in time; it may or may not have been written."""


class ClickTopic:
    """A topic one can send to; `send` returns when the broker has acknowledged."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._stopped = threading.Event()
        self._producer = self._new_producer()
        self._poller = threading.Thread(target=self._poll, name="kafka-poll", daemon=True)

    def _new_producer(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "message.timeout.ms": DELIVERY_MS_MAX,
                "linger.ms": LINGER_MS,
                "compression.type": "none",  # the tap reads what crosses the site's border
                "partitioner": "murmur2_random",  # as Java clients do: one key, one partition
                "queue.buffering.max.messages": QUEUED_MESSAGES_MAX,
                "socket.nagle.disable": True,
                "reconnect.backoff.max.ms": 500,  # the default of 10 s outlasts every short outage
                "broker.address.family": "v4",
            }
        )

    def start(self) -> None:
        """Learn the topic's partitions; raises `ConnectionError` naming what is missing."""
        try:
            known = self._producer.list_topics(self._topic, timeout=START_S_MAX)
        except KafkaException as error:
            raise ConnectionError(f"kafka {self._bootstrap}: expected a broker") from error
        if known.topics[self._topic].error is not None:
            raise ConnectionError(f"kafka {self._bootstrap}: expected a topic {self._topic}")
        self._poller.start()

    def _poll(self) -> None:
        while not self._stopped.is_set():
            self._producer.poll(POLL_S)

    async def send(self, key: str, value: bytes) -> None:
        """Hand over one record and wait for its acknowledgement; raises `DeliveryError`."""
        loop = asyncio.get_running_loop()
        acked: asyncio.Future[None] = loop.create_future()

        def settle(code: int | None) -> None:
            if acked.done():  # the client went away first
                return
            if code is None:
                acked.set_result(None)
            else:
                acked.set_exception(DeliveryError(f"not acknowledged: {code}"))

        def on_delivery(error: KafkaError | None, _message: Message) -> None:
            code = None if error is None else error.code()
            # The loop is closed when a report arrives after shutdown: nobody is waiting then.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, code)

        try:
            self._producer.produce(self._topic, value, key, on_delivery=on_delivery)
        except BufferError as error:
            raise DeliveryError(f"more than {QUEUED_MESSAGES_MAX} records wait") from error
        except KafkaException as error:
            # A fatal error (fenced epoch, out of order sequence) ends an idempotent producer for good.
            self._producer = self._new_producer()
            raise DeliveryError("the producer had to be replaced") from error
        await acked

    def stop(self) -> None:
        """Give what is queued its chance, then stop polling."""
        self._producer.flush(DELIVERY_MS_MAX / 1000)
        self._stopped.set()
        if self._poller.is_alive():
            self._poller.join()


@contextlib.asynccontextmanager
async def open_topic(bootstrap: str, topic: str) -> AsyncGenerator[ClickTopic]:
    """The topic, connected; raises `ConnectionError`."""
    clicks = ClickTopic(bootstrap, topic)
    await asyncio.to_thread(clicks.start)
    try:
        yield clicks
    finally:
        await asyncio.to_thread(clicks.stop)
