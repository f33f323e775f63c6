"""Process plumbing only: logs with redaction, shutdown, ready files, control sockets, waits for a processor."""
