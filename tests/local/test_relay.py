"""The relay as a process sees it: sockets, ends, cuts and the control operations."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import uvloop

from contracts.control import ControlReply, ControlRequest
from contracts.tap import Canary, TapReport
from local.relay import Relay, address_of
from local.relay_settings import RelayListener, RelaySettings

SOURCE = "127.0.1.250"
LIMIT_S = 5
QUIET_S = 0.15
"""How long nothing must arrive for a cut to count as one."""
VALUE = "canary-" + "q" * 12 + "@shop.example"


class Target:
    """A server that keeps what it is told and lets the test speak for it."""

    def __init__(self) -> None:
        self.peers: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )
        self.server: asyncio.Server | None = None
        self.address = ""

    async def start(self) -> None:
        async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self.peers.put((reader, writer))

        self.server = await asyncio.start_server(on_connect, "127.0.1.9", 0)
        name = self.server.sockets[0].getsockname()
        self.address = f"{name[0]}:{name[1]}"


@contextlib.asynccontextmanager
async def relay_to(target: str, scratch: Path) -> AsyncIterator[tuple[Relay, str]]:
    listener = RelayListener(name="ads/ad-1", listen="127.0.1.2:0", target=target)
    relay = Relay(
        RelaySettings(
            name="relay-test", source=SOURCE, control="", ready="",
            beacons=str(scratch / "beacons"), listeners=(listener,),
        )
    )  # fmt: skip
    server, address = await relay.listen(listener)
    try:
        yield relay, address
    finally:
        server.close()
        await relay.close()


@contextlib.asynccontextmanager
async def target_server() -> AsyncIterator[Target]:
    it = Target()
    await it.start()
    try:
        yield it
    finally:
        assert it.server is not None
        it.server.close()
        while not it.peers.empty():
            it.peers.get_nowait()[1].close()
        await asyncio.sleep(0)


def on_both_loops(test: Callable[[Target, Path], Awaitable[None]]) -> Callable[..., None]:
    """The relay runs on uvloop, whose transports differ in ways that have bitten."""

    @pytest.mark.parametrize(
        "loop_factory", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"]
    )
    def run(loop_factory: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path) -> None:
        async def within() -> None:
            async with target_server() as target:
                await test(target, tmp_path)

        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(within())

    run.__doc__ = test.__doc__
    return run


@contextlib.asynccontextmanager
async def client_of(
    address: str,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address_of(address))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def ask(relay: Relay, op: str, **args: object) -> ControlReply:
    request = msgspec.convert({"op": op, "args": args}, ControlRequest)
    return await relay.control(request)


@on_both_loops
async def test_bytes_pass_both_ways_from_the_relays_own_address(
    target: Target, tmp_path: Path
) -> None:
    """The target sees the relay's source address; large answers arrive whole."""
    async with (
        relay_to(target.address, tmp_path) as (_, address),
        client_of(address) as (reader, writer),
    ):
        writer.write(b"ask")
        theirs, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
        assert await theirs.readexactly(3) == b"ask"
        assert ours.get_extra_info("peername")[0] == SOURCE
        answer = bytes(range(256)) * 20_000
        ours.write(answer)
        ours.write_eof()
        assert await asyncio.wait_for(reader.read(-1), LIMIT_S) == answer
        writer.write(b"more")
        writer.write_eof()
        assert await asyncio.wait_for(theirs.read(-1), LIMIT_S) == b"more"
        ours.close()


@on_both_loops
async def test_unreachable_target_is_a_reset_at_once(target: Target, tmp_path: Path) -> None:
    """The client is not left waiting for a node that is dead."""
    with socket.create_server(("127.0.1.9", 0)) as gone:
        dead = "127.0.1.9:" + str(gone.getsockname()[1])
    async with relay_to(dead, tmp_path) as (_, address), client_of(address) as (reader, _):
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), LIMIT_S)


@on_both_loops
async def test_a_reset_is_passed_on_as_one(target: Target, tmp_path: Path) -> None:
    """A target that dies with a reset shows as a reset."""
    async with (
        relay_to(target.address, tmp_path) as (_, address),
        client_of(address) as (reader, writer),
    ):
        writer.write(b"x")
        theirs, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
        await theirs.readexactly(1)
        ours.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        ours.close()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), LIMIT_S)


@on_both_loops
async def test_a_cut_hides_both_sides_and_healing_resumes(target: Target, tmp_path: Path) -> None:
    """During a cut nothing arrives, new connections hang; afterwards every byte does, in order."""
    async with (
        relay_to(target.address, tmp_path) as (relay, address),
        client_of(address) as (reader, writer),
    ):
        writer.write(b"1")
        theirs, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
        assert await theirs.readexactly(1) == b"1"
        assert (await ask(relay, "cut")).ok
        writer.write(b"2")
        ours.write(b"a")
        async with client_of(address) as (late_reader, late_writer):
            late_writer.write(b"late")
            for silent in (theirs.read(1), reader.read(1), late_reader.read(1), target.peers.get()):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(silent, QUIET_S)
            assert (await ask(relay, "heal")).ok
            assert await asyncio.wait_for(theirs.readexactly(1), LIMIT_S) == b"2"
            assert await asyncio.wait_for(reader.readexactly(1), LIMIT_S) == b"a"
            late_theirs, late_ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
            assert await asyncio.wait_for(late_theirs.readexactly(4), LIMIT_S) == b"late"
            late_ours.close()
        ours.close()


@on_both_loops
async def test_arm_then_seen_reports_hits_beacons_and_bytes(target: Target, tmp_path: Path) -> None:
    """A planted value through the relay is reported with listener and view, never the value."""
    canary = Canary(
        id=5, detector="email", place="header", value=VALUE, form_hex=VALUE.encode().hex()
    )
    manifest = tmp_path / "canaries.ndjson"
    manifest.write_bytes(msgspec.json.encode(canary) + b"\n")
    beacon = b"b-" + b"k" * 24
    async with (
        relay_to(target.address, tmp_path) as (relay, address),
        client_of(address) as (_, writer),
    ):
        assert (await ask(relay, "arm", path=str(manifest))).ok
        wire = (
            b"GET / HTTP/1.1\r\nIsthmus-Beacon: "
            + beacon
            + b"\r\nX: "
            + VALUE.encode()
            + b"\r\n\r\n"
        )
        writer.write(wire)
        theirs, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
        await asyncio.wait_for(theirs.readexactly(len(wire)), LIMIT_S)
        report = msgspec.json.decode((await ask(relay, "seen")).data, type=TapReport)
        assert [(hit.canary, hit.view, hit.listener) for hit in report.hits] == [
            (5, "raw", "ads/ad-1")
        ]
        assert (report.armed_canaries, report.beacons, report.bytes_up) == (1, 1, len(wire))
        assert (tmp_path / "beacons").read_bytes() == beacon + b"\n"
        assert VALUE.encode() not in msgspec.json.encode(report)
        assert (await ask(relay, "arm", path=str(manifest))).ok
        assert msgspec.json.decode((await ask(relay, "stats")).data, type=TapReport).hits == ()
        ours.close()


@on_both_loops
async def test_target_moves_new_connections(target: Target, tmp_path: Path) -> None:
    """After `target`, new connections go to the new address."""
    async with relay_to("127.0.1.9:1", tmp_path) as (relay, address):
        assert (await ask(relay, "target", name="ads/ad-1", address=target.address)).ok
        async with client_of(address):
            _, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
            ours.close()


@on_both_loops
async def test_a_slow_way_delays_answers_and_heals(target: Target, tmp_path: Path) -> None:
    """100 ms each way are at least 200 ms there and back; after `unfault` nothing is left of it."""
    async with (
        relay_to(target.address, tmp_path) as (relay, address),
        client_of(address) as (reader, writer),
    ):
        writer.write(b"0")
        theirs, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
        await theirs.readexactly(1)

        async def round_trip_s() -> float:
            began_s = asyncio.get_running_loop().time()
            writer.write(b"?")
            await asyncio.wait_for(theirs.readexactly(1), LIMIT_S)
            ours.write(b"!")
            await asyncio.wait_for(reader.readexactly(1), LIMIT_S)
            # one loop's clock counts whole milliseconds: their difference, without what a float adds
            return round(asyncio.get_running_loop().time() - began_s, 3)

        assert (await ask(relay, "fault", id="1", delay_ms=100)).ok
        assert await round_trip_s() >= 0.2
        assert (await ask(relay, "unfault", id="1")).ok
        assert (await ask(relay, "unfault", id="1")).ok
        assert await round_trip_s() < 0.2
        ours.close()


@on_both_loops
async def test_a_narrow_way_passes_every_byte_at_its_rate(target: Target, tmp_path: Path) -> None:
    """200 KB at 1 MB/s take a fifth of a second, arrive whole, and the end comes after them."""
    async with (
        relay_to(target.address, tmp_path) as (relay, address),
        client_of(address) as (reader, writer),
    ):
        writer.write(b"?")
        theirs, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
        await theirs.readexactly(1)
        assert (await ask(relay, "fault", id="1", rate_bytes_s=1_000_000, direction="down")).ok
        answer = bytes(range(200)) * 1000
        began_s = asyncio.get_running_loop().time()
        ours.write(answer)
        ours.write_eof()
        ours.close()
        assert await asyncio.wait_for(reader.read(-1), LIMIT_S) == answer
        assert asyncio.get_running_loop().time() - began_s >= 0.19


@on_both_loops
async def test_a_hole_of_one_way_lets_the_other_through(target: Target, tmp_path: Path) -> None:
    """The target hears, the client does not; healing brings what was said, in order."""
    async with (
        relay_to(target.address, tmp_path) as (relay, address),
        client_of(address) as (reader, writer),
    ):
        writer.write(b"1")
        theirs, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
        await theirs.readexactly(1)
        assert (await ask(relay, "fault", id="1", hole=True, direction="down")).ok
        writer.write(b"2")
        assert await asyncio.wait_for(theirs.readexactly(1), LIMIT_S) == b"2"
        ours.write(b"a")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), QUIET_S)
        assert (await ask(relay, "unfault", id="1")).ok
        assert await asyncio.wait_for(reader.readexactly(1), LIMIT_S) == b"a"
        ours.close()


@on_both_loops
async def test_a_hole_on_the_way_back_holds_for_new_connections(
    target: Target, tmp_path: Path
) -> None:
    """The question arrives, the answer and the end after it wait for the heal."""
    async with relay_to(target.address, tmp_path) as (relay, address):
        assert (await ask(relay, "fault", id="1", hole=True, direction="down")).ok
        async with client_of(address) as (reader, writer):
            writer.write(b"?")
            theirs, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
            assert await asyncio.wait_for(theirs.readexactly(1), LIMIT_S) == b"?"
            ours.write(b"!")
            ours.close()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), QUIET_S)
            assert (await ask(relay, "unfault", id="1")).ok
            assert await asyncio.wait_for(reader.read(-1), LIMIT_S) == b"!"


@on_both_loops
async def test_dropped_and_held_out_connections_get_in_after_the_heal(
    target: Target, tmp_path: Path
) -> None:
    """A new connection whose first packet is lost hangs; it is let in when the fault goes."""
    async with relay_to(target.address, tmp_path) as (relay, address):
        for number, fault in enumerate(({"drop_share": 1.0}, {"hole": True, "direction": "up"})):
            assert (await ask(relay, "fault", id=str(number), listeners="ads/*", **fault)).ok
            async with client_of(address) as (_, writer):
                writer.write(b"x")
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(target.peers.get(), QUIET_S)
                assert (await ask(relay, "unfault", id=str(number))).ok
                theirs, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
                assert await asyncio.wait_for(theirs.readexactly(1), LIMIT_S) == b"x"
                ours.close()


@on_both_loops
async def test_reset_ends_what_is_open_and_what_comes(target: Target, tmp_path: Path) -> None:
    """Both an old and a new connection are told at once, with RST."""
    async with relay_to(target.address, tmp_path) as (relay, address):
        async with client_of(address) as (reader, writer):
            writer.write(b"x")
            _, ours = await asyncio.wait_for(target.peers.get(), LIMIT_S)
            assert (await ask(relay, "fault", id="1", reset=True)).ok
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(1), LIMIT_S)
            ours.close()
        async with client_of(address) as (reader, _):
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(1), LIMIT_S)


@pytest.mark.parametrize(
    ("op", "args", "expected"),
    [
        ("fault", {"id": "1"}, "expected delay_ms"),
        ("fault", {"id": "1", "listeners": "nobody", "reset": True}, "ads/ad-1"),
        ("target", {"name": "nobody", "address": "127.0.0.1:1"}, "ads/ad-1"),
        ("target", {"name": "ads/ad-1", "address": "nowhere"}, "host:port"),
        ("arm", {}, "manifest"),
        ("arm", {"path": "/nonexistent/manifest"}, "No such file"),
        ("drop_responses", {}, "expected one of"),
    ],
)
async def test_bad_operations_say_what_was_expected(
    op: str, args: dict[str, str], expected: str, tmp_path: Path
) -> None:
    """A refused operation names the expectation."""
    async with relay_to("127.0.1.9:1", tmp_path) as (relay, _):
        reply = await ask(relay, op, **args)
        assert not reply.ok
        assert expected in reply.error
