"""The two-site cloud for tests: one per session, kept running, switched between the runs that need it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud import down, up
from local.plan import CloudOptions

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def cloud_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory in which a cloud is up; engines are those of the checkout."""
    root = tmp_path_factory.mktemp("cloud")
    (root / ".isthmus").mkdir()
    engines = ROOT / ".isthmus" / "engines"
    engines.mkdir(parents=True, exist_ok=True)
    (root / ".isthmus" / "engines").symlink_to(engines)
    up(root, CloudOptions())
    try:
        yield root
    finally:
        down(root)
