"""Pulumi's SDK runs on the thread's own event loop; other folders' tests leave none behind."""

import asyncio
from collections.abc import Iterator

import pytest

LOOP = asyncio.new_event_loop()
"""Never closed: the SDK leaves loops of its own in its worker threads, which would then be found unclosed."""


@pytest.fixture(autouse=True)
def event_loop_of_the_thread() -> Iterator[None]:
    """The same for every test, and none for others."""
    asyncio.set_event_loop(LOOP)
    yield
    asyncio.set_event_loop(None)
