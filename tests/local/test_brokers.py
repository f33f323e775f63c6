"""How each broker is reached."""

from local.brokers import private_broker, public_broker
from local.kafka import server_properties
from tests.local.grounds import ground_of

GROUND = ground_of()


def test_the_public_broker_sends_everybody_to_a_relay() -> None:
    """Clients of either side and the broker itself are told relay addresses, never the broker's own."""
    spec = public_broker(GROUND)
    told = [listener.advertised for listener in spec.listeners] + [spec.voter]
    assert {address.rpartition(":")[0] for address in told} == {"127.0.1.2", "127.0.1.3"}
    assert {listener.bind.rpartition(":")[0] for listener in spec.listeners} == {"127.0.1.240"}


def test_the_public_broker_lets_in_only_the_relays() -> None:
    """The default is no connection at all; the exceptions are the relays' source addresses."""
    lines = dict(
        line.split("=", 1) for line in server_properties(public_broker(GROUND)).splitlines()
    )
    assert lines["max.connections.per.ip"] == "0"
    allowed = {it.partition(":")[0] for it in lines["max.connections.per.ip.overrides"].split(",")}
    assert allowed == {"127.0.1.250", "127.0.1.251"}


def test_the_private_broker_is_reached_directly() -> None:
    """It stands in the private network and advertises itself."""
    (listener,) = private_broker(GROUND).listeners
    assert listener.bind == listener.advertised
    assert listener.bind.startswith("127.0.2.")
