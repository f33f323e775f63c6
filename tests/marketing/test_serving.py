"""Twin of marketing/serving.py."""

import asyncio
import ipaddress
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing.ads import Ads
from marketing.serving import SERVED_BY, Door, listening
from runtime.control import ControlError, call_control
from runtime.ready import read_ready
from tests.marketing.doors import HOST, client_of, eventually, options_for

ROOT = Path(__file__).parents[2]


@given(st.ip_addresses(v=4))
def test_the_door_admits_exactly_its_networks(peer: ipaddress.IPv4Address) -> None:
    """A peer is heard when an allowed network holds its address, and each answer is counted."""
    networks = (ipaddress.ip_network("127.0.4.0/24"), ipaddress.ip_network("10.0.0.0/8"))
    door = Door(networks)
    admitted = door.admits(str(peer))
    assert admitted == any(peer in network for network in networks)
    assert (door.accepted, door.refused) == (int(admitted), int(not admitted))


async def test_a_peer_from_outside_is_closed_before_a_byte_is_read() -> None:
    """The connection ends without an answer and the refusal shows on /healthz."""
    options = options_for("ads")
    async with client_of(Ads(), options) as inside:
        host, port = inside._base_url.host, inside._base_url.port
        reader, writer = await asyncio.open_connection(host, port, local_addr=("127.0.5.1", 0))
        try:
            answer = await asyncio.wait_for(reader.read(), 5)
        except ConnectionResetError:
            answer = b""
        writer.close()
        assert answer == b""
        async with inside.get("/healthz") as response:
            assert (await response.json())["refused_peers"] == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ads", 200),
        ("GET", "/healthz", 200),
        ("GET", "/ads?size=x", 400),
        ("GET", "/elsewhere", 404),
        ("POST", "/ads", 405),
    ],
)
async def test_every_answer_says_who_served_it(method: str, path: str, status: int) -> None:
    """Successes and refusals alike carry Isthmus-Served-By, refusals as problem documents."""
    async with client_of(Ads(), options_for("ads")) as client, client.request(method, path) as got:
        assert got.status == status
        assert got.headers[SERVED_BY] == "public/ads-1"
        assert status < 400 or got.content_type == "application/problem+json"


async def test_a_crash_in_a_handler_is_500_with_our_name() -> None:
    """An unexpected error is answered without its text."""

    class Broken(Ads):
        async def show(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
            raise RuntimeError("a value that must not leave")

    async with client_of(Broken(), options_for("ads")) as client, client.get("/ads") as got:
        assert got.status == 500
        assert got.headers[SERVED_BY] == "public/ads-1"
        assert "value" not in await got.text()


async def test_a_taken_address_is_an_os_error() -> None:
    """A second service on the same port does not start."""
    async with listening(options_for("ads"), Ads()) as address:
        taken = options_for("ads", port=int(address.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"):
            async with listening(taken, Ads()):
                pass


def started(argv: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, *argv], cwd=ROOT, stderr=subprocess.PIPE)


async def test_a_process_serves_says_so_and_stops_on_sigterm(tmp_path: Path) -> None:
    """`python -m marketing ads` writes its ready file, answers, refuses outsiders and exits 0."""
    ready, control = tmp_path / "ready.json", tmp_path / "c.sock"
    argv = (
        f"-m marketing ads --name ad-1 --site public --listen {HOST}:0 --allow 127.0.4.0/24"
        f" --ready {ready} --control {control}"
    ).split()
    process = started(argv)
    try:
        await eventually(ready.exists, within_s=20)
        said = read_ready(ready)
        assert said is not None
        assert (said.name, said.pid) == ("ad-1", process.pid)
        connector = aiohttp.TCPConnector(local_addr=(HOST, 0))
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            client.get(f"http://{said.addresses['http']}/ads") as got,
        ):
            assert got.headers[SERVED_BY] == "public/ad-1"
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            async with aiohttp.ClientSession() as outside:
                await outside.get(f"http://{said.addresses['http']}/ads")
        await asyncio.to_thread(call_control, control, "ping")
        with pytest.raises(ControlError, match="expected ping"):
            await asyncio.to_thread(call_control, control, "cut")
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, b"")
    assert not control.exists()


def test_an_ad_node_imports_neither_broker_nor_database_nor_log_libraries() -> None:
    """Ten nodes start at once: what only other services need is not loaded."""
    code = (
        "import marketing.__main__, marketing.ads, json, sys; print(json.dumps(list(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env=dict(os.environ),
    )
    loaded = {re.split(r"\.", name)[0] for name in json.loads(run.stdout)}
    assert loaded & {"confluent_kafka", "psycopg", "structlog", "prometheus_client"} == set()


def test_a_service_without_its_engine_exits_3_and_says_the_fix(tmp_path: Path) -> None:
    """No database: one message with what and fix, no ready file."""
    ready = tmp_path / "ready.json"
    argv = (
        f"-m marketing orders --name o --site private --listen {HOST}:0 --allow 127.0.4.0/24"
        f" --ready {ready} --dsn host={tmp_path}"
    ).split()
    run = subprocess.run(
        [sys.executable, *argv], cwd=ROOT, check=False, capture_output=True, text=True, timeout=30
    )
    assert run.returncode == 3
    assert "database" in run.stderr
    assert "fix:" in run.stderr
    assert not ready.exists()


async def test_answers_are_counted_by_status() -> None:
    """A scrape tells how many were served and how many refused, without a value of any request."""
    async with client_of(Ads(), options_for("ads")) as client:
        for path in ("/ads", "/ads", "/ads?size=x"):
            async with client.get(path):
                pass
        async with client.get("/metrics") as got:
            text = await got.text()
    assert 'isthmus_service_answers_total{code="200",service="ads"} 2.0' in text
    assert 'isthmus_service_answers_total{code="400",service="ads"} 1.0' in text
    assert 'isthmus_service_peers_total{verdict="accepted"} 1.0' in text
