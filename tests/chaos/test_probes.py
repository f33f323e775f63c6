"""Twin of chaos/probes.py."""

import socket

import pytest

from chaos.probes import broker_answers, port_refuses, split_address
from tests.chaos.stage import HOST, answering
from tests.engines import KafkaBroker


def test_a_port_refuses_only_when_nobody_listens() -> None:
    """A listener that never accepts does not refuse; once closed it does."""
    with socket.create_server((HOST, 0)) as server:
        address = "{}:{}".format(*server.getsockname())
        assert not port_refuses(address, timeout_s=0.5)
    assert port_refuses(address, timeout_s=0.5)


def test_silence_and_refusal_are_no_answer() -> None:
    """Only bytes count."""
    with answering() as server:
        assert broker_answers("{}:{}".format(*server.getsockname()), timeout_s=2)
    with socket.create_server((HOST, 0)) as silent:
        address = "{}:{}".format(*silent.getsockname())
        assert not broker_answers(address, timeout_s=0.05)
    assert not broker_answers(address, timeout_s=0.05)


@pytest.mark.engines
def test_a_real_broker_answers_the_probe(kafka_broker: KafkaBroker) -> None:
    """The request is one Kafka understands."""
    assert broker_answers(kafka_broker.bootstrap, timeout_s=5)


def test_an_address_is_host_and_port() -> None:
    """IPv6 brackets go; text without a port is refused."""
    assert split_address("[::1]:80") == ("::1", 80)
    with pytest.raises(ValueError, match="invalid literal"):
        split_address("host")
