"""A directory like a second checkout: room for a cloud of its own, with the jars of this one."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolchain.kafka import fetch_kafka

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout() -> Iterator[Path]:
    """Its root; whatever the test starts under it, the test ends."""
    engines = ROOT / ".isthmus" / "engines"
    fetch_kafka(engines)
    with tempfile.TemporaryDirectory(prefix="isthmus test ") as scratch:
        home = Path(scratch, ".isthmus")
        home.mkdir()
        (home / "engines").symlink_to(engines)
        yield Path(scratch)
