"""Which ports a new cloud uses: free ones below the ephemeral range, so no outgoing connection takes them meanwhile."""

import random
import socket

PORT_MIN = 15000
PORT_MAX = 32000
"""Linux hands out 32768 and up for outgoing connections (ip_local_port_range)."""
TRIES = 200


class PortError(Exception):
    """No free port was found, or the one asked for is taken."""


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `host:port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str, chance: random.Random, *, taken: set[int]) -> int:
    """A free port on `host` that is not in `taken`; it is added there. Raises `PortError`."""
    for _ in range(TRIES):
        port = chance.randrange(PORT_MIN, PORT_MAX)
        if port not in taken and is_free(host, port):
            taken.add(port)
            return port
    raise PortError(
        f"{host}: no free port in {PORT_MIN}-{PORT_MAX} after {TRIES} tries; "
        "fix: see what listens there with: ss -ltn"
    )
