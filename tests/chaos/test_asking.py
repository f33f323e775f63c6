"""Twin of chaos/asking.py."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaos.asking import Question, ask

HOST = "127.0.6.2"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nIsthmus-Served-By: public/ad-1\r\n\r\nok"


def peer_that(says: Callable[[socket.socket], None], server: socket.socket) -> threading.Thread:
    def serve() -> None:
        peer, _ = server.accept()
        with peer:
            peer.recv(4096)
            says(peer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server((HOST, 0)) as listening:
        yield listening


def address(server: socket.socket) -> str:
    return "{}:{}".format(*server.getsockname())


def test_an_answer_has_status_body_and_who_served(server: socket.socket) -> None:
    """What a client learns, and how long it took."""
    peer_that(lambda peer: peer.sendall(ANSWER), server)
    answer = ask(address(server), Question(target="/ads"), timeout_s=5)
    assert (answer.end, answer.status, answer.served_by, answer.body) == (
        "answered", 200, "public/ad-1", b"ok",
    )  # fmt: skip
    assert 0 < answer.took_s < 5


def test_the_ends_of_a_question_are_told_apart(server: socket.socket) -> None:
    """Silence, a reset and a refusal are three things."""
    done = threading.Event()
    waiting = peer_that(lambda _peer: done.wait(5), server)
    assert ask(address(server), Question(), timeout_s=0.2).end == "silent"
    done.set()
    waiting.join()

    def reset(peer: socket.socket) -> None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    peer_that(reset, server).join(0)
    assert ask(address(server), Question(), timeout_s=5).end == "reset"
    where = address(server)
    server.close()
    assert ask(where, Question(), timeout_s=5).end == "refused"


def test_an_answer_that_trickles_in_too_late_is_silence(server: socket.socket) -> None:
    """Each piece in time, the whole too late."""
    tick = threading.Event()

    def trickle(peer: socket.socket) -> None:
        for n in range(len(ANSWER)):
            peer.sendall(ANSWER[n : n + 1])
            tick.wait(0.005)

    peer_that(trickle, server)
    assert ask(address(server), Question(), timeout_s=0.15).end == "silent"


def test_a_unix_socket_is_a_door_too(tmp_path: Path) -> None:
    """The admin socket of a router; one that is not there refuses."""
    path = tmp_path / "door.sock"
    assert ask(str(path), Question(), timeout_s=1).end == "refused"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        peer_that(lambda peer: peer.sendall(ANSWER), listening)
        question = Question(method="POST", target="/reload")
        assert ask(str(path), question, timeout_s=5).status == 200
