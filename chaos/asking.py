"""One HTTP question with a bound on its time: what a client learns, and how long it took to learn it."""

import http.client
import socket
import time
from collections.abc import Mapping
from typing import Literal

import msgspec

from chaos.probes import split_address

End = Literal["answered", "refused", "reset", "silent"]
SERVED_BY = "Isthmus-Served-By"
BODY_BYTES_MAX = 1 << 20


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How a question ended; `served_by` is `site/node` as the services say it, `status` 0 without an answer."""

    end: End
    took_s: float
    status: int = 0
    served_by: str = ""
    body: bytes = b""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked."""

    method: str = "GET"
    target: str = "/"
    headers: Mapping[str, str] = {}
    body: bytes = b""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, *, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the path."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(door: str, question: Question, *, timeout_s: float) -> Answer:
    """Ask at `host:port`, or at a unix socket if `door` is a path; never raises for what a peer does.

    The time-out bounds every wait on the socket; an answer that took longer altogether counts as silence.
    """
    if door.startswith("/"):
        connection: http.client.HTTPConnection = _UnixConnection(door, timeout_s=timeout_s)
    else:
        host, port = split_address(door)
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    began_s = time.monotonic()
    try:
        connection.request(
            question.method, question.target, body=question.body or None,
            headers=dict(question.headers),
        )  # fmt: skip
        answer = connection.getresponse()
        body = answer.read(BODY_BYTES_MAX)
    except (ConnectionRefusedError, FileNotFoundError):
        return _without("refused", began_s)
    except TimeoutError:
        return _without("silent", began_s)
    except (OSError, http.client.HTTPException):
        return _without("reset", began_s)
    finally:
        connection.close()
    took_s = time.monotonic() - began_s
    if took_s > timeout_s:
        return _without("silent", began_s)
    return Answer(
        end="answered", took_s=took_s, status=answer.status, body=body,
        served_by=answer.getheader(SERVED_BY, ""),
    )  # fmt: skip


def _without(end: End, began_s: float) -> Answer:
    return Answer(end=end, took_s=time.monotonic() - began_s)
