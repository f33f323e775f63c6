"""Whether the target takes a record, and how a dead letter carries the source coordinates of one it refuses.

Pure. Key and value of a dead letter are the record's own bytes; what happened stands in headers beside the
record's own headers.
"""

import msgspec

Headers = list[tuple[str, bytes | None]]

FRAMING_BYTES = 128
"""A record batch of one: 61 bytes of batch header, at most 36 of record framing, rounded up."""

PREFIX = "isthmus-dlq-"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a dead letter came from, and why; `policy` is the digest the decision was made under."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    reason: str
    policy: str


def record_bytes(*, key: bytes | None, value: bytes | None, headers: Headers | None) -> int:
    """An upper bound of the record's size in a batch of its own, uncompressed."""
    named = sum(len(name.encode()) + len(content or b"") + 10 for name, content in headers or ())
    return FRAMING_BYTES + len(key or b"") + len(value or b"") + named


def dead_letter_headers(headers: Headers | None, origin: Origin) -> Headers:
    """The record's own headers, then where it came from and why it was refused."""
    told = {
        "topic": origin.topic,
        "partition": str(origin.partition),
        "offset": str(origin.offset),
        "timestamp-ms": str(origin.timestamp_ms),
        "reason": origin.reason,
        "policy": origin.policy,
    }
    return [*(headers or ()), *((PREFIX + name, text.encode()) for name, text in told.items())]
