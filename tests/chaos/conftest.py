"""The stage of fault tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.stage import Stage, answering, stage


@pytest.fixture
def set_stage(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as built:
        yield built


@pytest.fixture
def full_stage(set_stage: Stage) -> Iterator[Stage]:
    """Five ad nodes, a bridge, a link relay with a broker stand-in behind it, an orders control."""
    with answering() as broker:
        for number in range(1, 6):
            set_stage.node(f"ad-{number}")
        set_stage.node("bridge", role="bridge")
        set_stage.relay("{}:{}".format(*broker.getsockname()))
        set_stage.orders()
        set_stage.save()
        yield set_stage
