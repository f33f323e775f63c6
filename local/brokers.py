"""The two brokers of a cloud, and by which ways each is reached. Pure."""

from local.ground import LINK_SOURCE, TAP_SOURCE, Ground
from local.kafka import BrokerSpec, Listener

RELAY_CONNECTIONS_MAX = 400
"""Connections a relay may hold to the broker; the bridge, its admin client and the services need some 20."""


def public_broker(ground: Ground) -> BrokerSpec:
    """The public broker: every connection, its own included, comes from a relay; nobody else is let in."""
    listeners = (
        _listener("LINK", ground.address("kafka-public/link"), ground.address("link/kafka")),
        _listener("LOCAL", ground.address("kafka-public/local"), ground.address("tap/kafka")),
        _listener(
            "INTERNAL",
            ground.address("kafka-public/internal"),
            ground.address("tap/kafka-internal"),
        ),
    )
    return BrokerSpec(
        directory=ground.path("kafka-public"),
        listeners=listeners,
        inter_broker="INTERNAL",
        controller=ground.address("kafka-public/controller"),
        voter=ground.address("tap/kafka-controller"),
        peers={LINK_SOURCE: RELAY_CONNECTIONS_MAX, TAP_SOURCE: RELAY_CONNECTIONS_MAX},
    )


def private_broker(ground: Ground) -> BrokerSpec:
    """The private broker."""
    client = ground.address("kafka-private/client")
    return BrokerSpec(
        directory=ground.path("kafka-private"),
        listeners=(_listener("CLIENT", client, client),),
        inter_broker="CLIENT",
        controller=ground.address("kafka-private/controller"),
        voter=ground.address("kafka-private/controller"),
    )


def _listener(name: str, bind: str, advertised: str) -> Listener:
    return Listener(name=name, bind=bind, advertised=advertised)
