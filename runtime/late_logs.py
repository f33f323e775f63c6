"""Logs for a process that starts in company and rarely logs: structlog is imported at the first line.

Importing structlog costs 115 ms of CPU (it looks for rich). Ten ad nodes that start at once on two cores
would spend half a second of everybody's start on a line that may never be written. Redaction is the same:
the first record, like every later one, is rendered by `runtime.logs`.
"""

import logging


class FirstRecord(logging.Handler):
    """Sets up the real logs when the first record arrives, then passes it on."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging, under this handler's lock."""
        from runtime.logs import set_up_logs  # noqa: PLC0415 - this module exists to import it late

        root = logging.getLogger()
        set_up_logs(self._process, level=root.level)
        root.handle(record)


def set_up_late_logs(process: str, *, level: int = logging.INFO) -> None:
    """As `set_up_logs`, at the cost of nothing until a line is logged."""
    root = logging.getLogger()
    root.handlers[:] = [FirstRecord(process)]
    root.setLevel(level)
