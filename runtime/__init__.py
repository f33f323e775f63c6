"""Process plumbing only: logs with redaction, metrics registry, shutdown, ready files, control sockets."""
