"""The common answer, whole in one piece: taken apart without a parser, or left to one.

Pure. Only what cannot be misread is taken: HTTP/1.1, a final status that may have a body, exactly one
Content-Length, no Transfer-Encoding, and exactly that many bytes after the head. Everything else is None and
goes to the full parser, so this is a short cut and never another opinion.
"""

from typing import NamedTuple

_LENGTH = b"\r\ncontent-length:"
_SERVED = b"\r\nisthmus-served-by:"


class Answer(NamedTuple):
    """A final answer; `served` is the value of Isthmus-Served-By."""

    status: int
    keep_alive: bool
    served: bytes
    body: bytes


def whole_answer(data: bytes) -> Answer | None:
    """The answer that `data` is, or None when it takes a parser to say."""
    end = data.find(b"\r\n\r\n")
    if end < 12 or data[:9] != b"HTTP/1.1 " or data[12:13] not in {b" ", b"\r"}:
        return None
    code = data[9:12]
    if not code.isdigit() or code < b"200" or code in {b"204", b"304"}:
        return None
    head = data[:end].lower()
    at = head.find(_LENGTH)
    if at < 0 or head.find(_LENGTH, at + 1) >= 0 or b"\r\ntransfer-encoding" in head:
        return None
    stop = head.find(b"\r\n", at + 2)
    digits = head[at + 17 : stop if stop >= 0 else end].strip()
    # isdigit alone takes an empty text for none, and a folded line would hide a second value.
    if not digits.isdigit() or len(digits) > 9 or int(digits) != len(data) - end - 4:
        return None
    if b"\r\n " in head or b"\r\n\t" in head or b"\r\nupgrade:" in head:
        return None
    return Answer(
        int(code),
        b"\r\nconnection:" not in head or _stays(head),
        _served(data, head),
        data[end + 4 :],
    )


def _stays(head: bytes) -> bool:
    """Whether the Connection header leaves the connection open."""
    at = head.find(b"\r\nconnection:")
    stop = head.find(b"\r\n", at + 2)
    value = head[at + 13 : stop if stop >= 0 else len(head)].strip()
    return value == b"keep-alive" and head.find(b"\r\nconnection:", at + 1) < 0


def _served(data: bytes, head: bytes) -> bytes:
    at = head.rfind(_SERVED)
    if at < 0:
        return b""
    stop = head.find(b"\r\n", at + 2)
    return data[at + 20 : stop if stop >= 0 else len(head)].strip()
