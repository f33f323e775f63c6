"""Sockets: bound, named, private, gone afterwards."""

import stat
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from router.doors import address_of, bind, serve_tcp, serve_unix


def test_a_taken_port_is_an_error() -> None:
    """Two routers cannot share a port by accident, and can on purpose."""
    held = bind("127.0.2.21:0")
    held.listen()
    with pytest.raises(OSError, match="in use"):
        bind(address_of(held))
    held.close()
    first = bind("127.0.2.21:0", reuse_port=True)
    second = bind(address_of(first), reuse_port=True)
    assert address_of(first) == address_of(second)
    first.close()
    second.close()


async def test_pages_on_tcp_report_their_real_address() -> None:
    """Port 0 becomes the port that was taken."""
    async with serve_tcp(web.Application(), "127.0.2.21:0") as address:
        assert not address.endswith(":0")
        async with aiohttp.ClientSession() as client, client.get(f"http://{address}/") as answer:
            assert answer.status == 404


async def test_the_admin_socket_is_for_its_owner_and_leaves_nothing(tmp_path: Path) -> None:
    """Mode 0600 from its first moment; an old file is replaced; the file goes with the context."""
    path = tmp_path / "deep" / "admin.sock"
    for _ in range(2):
        async with serve_unix(web.Application(), path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not path.exists()
