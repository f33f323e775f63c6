"""structlog, with one redaction step that every line passes, ours or a library's.

Redaction is by shape and deliberately coarse (any long digit run, any address with an @): a log line that
loses a harmless number costs little, one that keeps a phone number breaks promise 1.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping

import structlog
from structlog.typing import Processor

# A digit in any script or escape, then at most three separators; 11 digits are the shortest identifier (a
# mobile number). A hash that holds 11 decimal digits in a row is masked too, and that is well.
_DIGIT = r"(?:%3\d|\\u003\d|\d)"
_NUMBER = re.compile(rf"(?:{_DIGIT}[ .\-_/()]{{0,3}}){{10,}}(?:{_DIGIT}|[Xx])+")
_AT = ("@", "%40", "＠", r"\u0040")
# 64 characters is the longest local part (RFC 5321); the bound also keeps long tokens linear.
_EMAIL = re.compile(r"[^\s\"'<>]{1,64}(?:@|%40|＠|\\u0040)[\w\-]+(?:[.．][\w\-]+)+")
_SECRET_KEYS = frozenset({"authorization", "cookie", "dsn", "password", "secret", "token"})
_NUMERIC_UNITS = ("_ns", "_ms", "_us", "_s", "_bytes", "_records", "pid")
NUMBER_MAX = 10**10
"""Eleven digits are a phone number, ten are not."""

MASK = "[redacted]"


def redact_text(text: str) -> str:
    """`text` with everything that looks like an identifier of a person masked."""
    masked = _NUMBER.sub(MASK, text)
    return _EMAIL.sub(MASK, masked) if any(at in masked for at in _AT) else masked


def redact_value(key: str, value: object) -> object:
    """One field of a log line; large numbers keep their value only under a key that names a unit."""
    if key.lower() in _SECRET_KEYS:
        return MASK
    match value:
        case None | bool():
            return value
        case int() | float():
            harmless = key.endswith(_NUMERIC_UNITS) or abs(value) < NUMBER_MAX
            return value if harmless else MASK
        case bytes():
            return f"[{len(value)} bytes]"
        case _:
            return redact_text(value if isinstance(value, str) else repr(value))


def redact(_logger: object, _name: str, event: MutableMapping[str, object]) -> Mapping[str, object]:
    """The structlog processor: the last step before a line is rendered."""
    return {key: redact_value(key, value) for key, value in event.items()}


def set_up_logs(name: str, *, level: int = logging.INFO) -> None:
    """Send every log line of this process, JSON with `process` = `name`, through redaction to stderr."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]

    def add_process(
        _logger: object, _method: str, event: MutableMapping[str, object]
    ) -> MutableMapping[str, object]:
        event["process"] = name
        return event

    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                add_process,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
