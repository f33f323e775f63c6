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

_DIGITS = re.compile(r"(?<![0-9A-Fa-f])[0-9][0-9 .\-]{9,22}[0-9Xx](?![0-9A-Fa-f])")
_FULL_WIDTH = re.compile(r"[０-９]{7,}")
_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+(?:@|%40)[A-Za-z0-9.\-]+\.[A-Za-z]{2,}")
_SECRET_KEYS = frozenset({"authorization", "cookie", "dsn", "password", "secret", "token"})
_NUMERIC_UNITS = ("_ns", "_ms", "_us", "_s", "_bytes", "_records", "pid")
MASK = "[redacted]"


def redact_text(text: str) -> str:
    """`text` with everything that looks like an identifier of a person masked."""
    return _EMAIL.sub(MASK, _FULL_WIDTH.sub(MASK, _DIGITS.sub(MASK, text)))


def redact_value(key: str, value: object) -> object:
    """One field of a log line; numbers keep their value only under a key that names a unit."""
    if key.lower() in _SECRET_KEYS:
        return MASK
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return f"[{len(value)} bytes]"
    if isinstance(value, bool | None):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**10 or key.endswith(_NUMERIC_UNITS) else MASK
    if isinstance(value, float):
        return value
    return redact_text(repr(value))


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
