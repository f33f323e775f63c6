"""Free ports are free, and none is given twice."""

import random
import socket

import pytest

from local import ports
from local.ports import PORT_MAX, PORT_MIN, PortError, free_port, is_free

HOST = "127.0.3.9"


def test_ports_are_distinct_and_below_the_ephemeral_range() -> None:
    """No outgoing connection can take one before its owner listens."""
    taken: set[int] = set()
    drawn = [free_port(HOST, random.Random(1), taken=taken) for _ in range(50)]
    assert len(set(drawn)) == 50
    assert all(PORT_MIN <= port < PORT_MAX for port in drawn)


def test_a_listening_port_is_not_free() -> None:
    """A port somebody listens on is seen as taken."""
    with socket.create_server((HOST, 0)) as server:
        assert not is_free(HOST, server.getsockname()[1])


def test_none_left_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """Running out names the host and how to look."""
    monkeypatch.setattr(ports, "is_free", lambda _host, _port: False)
    with pytest.raises(PortError, match=r"127\.0\.3\.9.*ss -ltn"):
        free_port(HOST, random.Random(1), taken=set())
