"""Twin of runtime/ready.py."""

import os
import threading
from pathlib import Path

from runtime.ready import read_ready, write_ready


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Name, pid and addresses come back; before, there is nothing; afterwards, no scratch file."""
    path = tmp_path / "ad-1.json"
    assert read_ready(path) is None
    write_ready(path, "ad-1", {"http": "127.0.1.11:80"})
    ready = read_ready(path)
    assert ready is not None
    assert (ready.name, ready.pid, ready.addresses) == (
        "ad-1",
        os.getpid(),
        {"http": "127.0.1.11:80"},
    )
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """While it is rewritten over and over, every read decodes to one of the versions."""
    path, done = tmp_path / "r.json", threading.Event()
    write_ready(path, "n", {"http": "0"})

    def rewrite() -> None:
        for number in range(300):
            write_ready(path, "n", {"http": str(number) * 50})
        done.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    while not done.is_set():
        ready = read_ready(path)
        assert ready is not None
        assert len(set(ready.addresses["http"])) <= 3
    writer.join()
