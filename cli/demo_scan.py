"""After the run: search what the public site keeps (broker disks, logs, files) for planted canaries."""

from collections.abc import Iterator
from pathlib import Path

from contracts.cloud import CloudState

CHUNK_BYTES = 1 << 20


def public_files(state: CloudState) -> Iterator[Path]:
    """Every file a public process wrote: its log, and for the broker its data directory."""
    for record in state.processes:
        if record.site != "public":
            continue
        yield Path(record.log)
    data = Path(state.root) / "kafka-public"
    yield from (path for path in sorted(data.rglob("*")) if path.is_file())
