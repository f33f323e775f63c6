"""Twin of runtime/control.py."""

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from contracts.control import ControlReply, ControlRequest
from contracts.ready import Ready
from runtime.control import ControlError, call_control, refuse, reply_with, serve_control


async def echo(request: ControlRequest) -> ControlReply:
    """Answers `stats` with its arguments as addresses, refuses the rest."""
    if request.op != "stats":
        return refuse("expected stats")
    addresses = {name: str(value) for name, value in request.args.items()}
    return reply_with(Ready(name="n", pid=1, addresses=addresses))


async def test_an_operation_is_asked_and_answered(tmp_path: Path) -> None:
    """Arguments go there, the contract comes back; ping needs no handler; the socket is 0600 and goes."""
    path = tmp_path / "c.sock"
    async with serve_control(path, echo):
        assert path.stat().st_mode & 0o777 == 0o600
        data = await asyncio.to_thread(call_control, path, "stats", a=1, b="x")
        assert msgspec.json.decode(data, type=Ready).addresses == {"a": "1", "b": "x"}
        assert bytes(await asyncio.to_thread(call_control, path, "ping")) == b"null"
        with pytest.raises(ControlError, match="expected stats"):
            await asyncio.to_thread(call_control, path, "cut")
    assert not path.exists()


async def test_many_askers_are_served_at_once(tmp_path: Path) -> None:
    """Each gets its own answer."""
    path = tmp_path / "c.sock"
    async with serve_control(path, echo):
        asked = [asyncio.to_thread(call_control, path, "stats", n=n) for n in range(16)]
        answers = [msgspec.json.decode(data, type=Ready) for data in await asyncio.gather(*asked)]
    assert [answer.addresses["n"] for answer in answers] == [str(n) for n in range(16)]


@pytest.mark.parametrize("line", [b"{}", b"nonsense", b'{"op":"burn"}', b'{"op":"ping","x":1}'])
async def test_what_is_no_request_is_refused_and_the_next_is_served(
    tmp_path: Path, line: bytes
) -> None:
    """A bad line gets an answer, and the connection lives on."""
    path = tmp_path / "c.sock"
    async with serve_control(path, echo):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line + b"\n" + b'{"op":"ping"}\n')
        replies = [
            msgspec.json.decode(await reader.readline(), type=ControlReply) for _ in range(2)
        ]
        writer.close()
        await writer.wait_closed()
    assert [reply.ok for reply in replies] == [False, True]
    assert "not a control request" in replies[0].error


async def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    """What a killed process left at the path does not stop the next one."""
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with pytest.raises(ControlError) as refused:
        call_control(path, "ping")
    assert isinstance(refused.value.__cause__, ConnectionRefusedError)
    async with serve_control(path, echo):
        await asyncio.to_thread(call_control, path, "ping")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda peer: None, "not a reply"),
        (lambda peer: peer.sendall(b"?\n"), "not a reply"),
        (lambda peer: peer.sendall(b'{"ok":false,"error":"expected more"}\n'), "expected more"),
    ],
)
def test_a_peer_that_answers_wrongly_is_an_error(
    tmp_path: Path, answer: Callable[[socket.socket], None], error: str
) -> None:
    """Silence at the end of file, nonsense and refusals are told apart and name path and operation."""
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(1024)
                answer(peer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ControlError, match=error) as failed:
            call_control(path, "ping")
        thread.join()
    assert f"{path}: ping" in str(failed.value)


def test_a_peer_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    """The time-out bounds the wait; no socket at all is an error at once."""
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        with pytest.raises(ControlError, match="timed out"):
            call_control(path, "ping", timeout_s=0.05)
    with pytest.raises(ControlError) as missing:
        call_control(tmp_path / "none.sock", "ping")
    assert isinstance(missing.value.__cause__, FileNotFoundError)
