"""A link under test: one broker plays both sites, under topic names of its own."""

from collections.abc import Iterator

import pytest

from tests.sync.lab import Lab


@pytest.fixture
def lab(kafka_broker) -> Iterator[Lab]:
    lab = Lab(kafka_broker.bootstrap)
    yield lab
    lab.close()
