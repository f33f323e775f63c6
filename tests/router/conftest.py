"""Fixtures: a core and an edge router, each with its services on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.router.harness import Cloud, running_cloud


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    async with running_cloud(tmp_path) as running:
        yield running


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Cloud]:
    async with running_cloud(tmp_path, placement="edge") as running:
        yield running
