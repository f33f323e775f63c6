"""Checks from outside that a fault took effect: does a port refuse, does a broker answer."""

import socket
import struct

# ApiVersions, version 0, correlation id 1, no client id: the one request any broker answers to anybody.
_API_VERSIONS = struct.pack(">hhih", 18, 0, 1, -1)
KAFKA_REQUEST = struct.pack(">i", len(_API_VERSIONS)) + _API_VERSIONS


def split_address(address: str) -> tuple[str, int]:
    """`host:port` taken apart; raises `ValueError`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def port_refuses(address: str, *, timeout_s: float) -> bool:
    """Whether nobody listens at `host:port`; silence is not a refusal."""
    try:
        socket.create_connection(split_address(address), timeout=timeout_s).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def broker_answers(address: str, *, timeout_s: float) -> bool:
    """Whether a Kafka broker answers at `host:port` within the time."""
    try:
        with socket.create_connection(split_address(address), timeout=timeout_s) as peer:
            peer.settimeout(timeout_s)
            peer.sendall(KAFKA_REQUEST)
            return len(peer.recv(8)) > 0
    except OSError:
        return False
