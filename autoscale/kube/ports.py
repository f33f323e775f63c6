"""What the controller needs of an API server, as a port; and how an API server says no. Pure."""

from collections.abc import Iterator, Mapping
from typing import Literal, Protocol

import msgspec

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"

BAD_REQUEST = 400
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, GONE, INVALID = 401, 403, 404, 409, 410, 422


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request; `path` starts with `/`, `body` is JSON."""

    method: Method
    path: str
    query: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    body: bytes = b""
    content: str = JSON


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, whatever its status; `retry_after_s` is 0 where the server did not say."""

    status: int
    body: bytes
    retry_after_s: float = 0.0


class Transport(Protocol):
    """An API server that can be asked and watched; safe for several threads."""

    def ask(self, ask: Ask, *, timeout_s: float) -> Answer:
        """One request. Raises `UnreachableError` when no whole answer came in time."""
        ...

    def watch(self, path: str, query: Mapping[str, str], *, silence_s: float) -> Iterator[bytes]:
        """Lines as they come, until the server ends the watch.

        Raises `RefusedError`, or `UnreachableError` once nothing came for `silence_s`: a half-open connection is
        told from a quiet one by the bookmarks that a living server sends. Close the iterator to end it early.
        """
        ...


class UnreachableError(Exception):
    """No whole answer: whether a write was done is not known."""


class Status(msgspec.Struct, frozen=True):
    """A Kubernetes `Status` object, as far as it is read."""

    code: int = 0
    reason: str = ""
    message: str = ""


class RefusedError(Exception):
    """The API server said no: `status` is HTTP's, `reason` and `message` its own."""

    def __init__(self, status: int, said: Status, *, retry_after_s: float = 0.0) -> None:
        super().__init__(f"{status} {said.reason}: {said.message}".strip())
        self.status, self.reason, self.message = status, said.reason, said.message
        self.retry_after_s = retry_after_s

    @property
    def is_final(self) -> bool:
        """Whether only a person can change the answer: not allowed, or not valid."""
        return self.status in {BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, INVALID}


def refused(answer: Answer) -> RefusedError:
    """What a failed answer says; a body that is no Status is quoted, within a bound."""
    try:
        said = msgspec.json.decode(answer.body, type=Status)
    except msgspec.MsgspecError:
        said = Status(message=answer.body[:200].decode(errors="replace"))
    return RefusedError(answer.status, said, retry_after_s=answer.retry_after_s)


def checked(answer: Answer) -> bytes:
    """The body of an answer that succeeded. Raises `RefusedError`."""
    if answer.status >= BAD_REQUEST:
        raise refused(answer)
    return answer.body
