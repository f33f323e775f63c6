"""The door: what the parser refuses is answered without a value, and slow heads are closed."""

import re
from pathlib import Path

import pytest

from contracts.settings import RouterLimits
from tests.router.harness import Cloud, running_cloud, wire

BAD = {
    "length and coding": b"POST /clicks HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /clicks HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "signed length": b"POST /clicks HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc",
    "space before colon": b"POST /clicks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "unknown coding": b"POST /clicks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity coding": b"POST /clicks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n",
    "old with coding": b"POST /clicks HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "folded field": b"GET /ads HTTP/1.1\r\nHost: h\r\nX-A: secret\r\n more\r\n\r\n",
    "two hosts": b"GET /ads HTTP/1.1\r\nHost: h\r\nHost: secret\r\n\r\n",
    "no host": b"GET /ads HTTP/1.1\r\n\r\n",
    "null in a value": b"GET /ads HTTP/1.1\r\nHost: h\r\nX-A: secret\x00\r\n\r\n",
    "version 2.0": b"GET /ads HTTP/2.0\r\nHost: h\r\n\r\n",
    "no request line": b"secret\r\n\r\n",
    "a proxy's target": b"CONNECT secret:443 HTTP/1.1\r\nHost: secret:443\r\n\r\n",
}


@pytest.mark.parametrize("name", sorted(BAD))
async def test_what_is_no_strict_http_is_refused(cloud: Cloud, name: str) -> None:
    """Refused with a problem, recorded, the connection closed, nothing forwarded or quoted."""
    got = await wire(cloud.http, BAD[name])
    status = int(got.split(b" ", 2)[1])
    assert status in {400, 501, 505}, got
    assert len(re.findall(rb"HTTP/1\.1 [0-9]{3} ", got)) == 1
    assert b"application/problem+json" in got
    assert b"Connection: close" in got
    assert b"secret" not in got
    assert not any(service.seen for service in cloud.services.values())
    assert cloud.metric("isthmus_router_decisions_total", kind="refused") == 1


async def test_a_head_that_dawdles_is_closed(tmp_path: Path) -> None:
    """Half a head and then silence: closed after `header_s`, an idle connection is not."""
    async with running_cloud(tmp_path, limits=RouterLimits(header_s=0.2)) as cloud:
        assert await wire(cloud.http, b"GET /ads HT", wait_s=3.0) == b""
        idle = b"GET /ads HTTP/1.1\r\nHost: h\r\n\r\n"
        assert (await wire(cloud.http, idle, wait_s=1.5)).startswith(b"HTTP/1.1 200 ")


async def test_pipelined_requests_are_answered_in_order(cloud: Cloud) -> None:
    """Several requests in one segment get their answers one after the other."""
    one = b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n"
    last = b"GET /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    got = await wire(cloud.http, one % b"/ads" + one % b"/profiles/1" + last)
    statuses = [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"404"]
