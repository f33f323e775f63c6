"""Twin of chaos/readiness.py."""

import os
from pathlib import Path

import msgspec
import pytest

from chaos.readiness import is_ready
from contracts.cloud import ProcessRecord
from tests.chaos.stage import Stage, answering


def test_a_service_is_ready_by_its_own_ready_file(set_stage: Stage) -> None:
    """A file that an earlier process wrote does not count."""
    node = set_stage.node("ad-1")
    set_stage.save()
    state = set_stage.cloud.state()
    assert is_ready(node, state)
    assert not is_ready(msgspec.structs.replace(node, pid=os.getpid()), state)


@pytest.mark.engines
def test_engines_are_ready_when_they_answer(
    set_stage: Stage, tmp_path: Path, postgres_dsn: str
) -> None:
    """They write no file; a broker is asked for its versions, a database for a statement."""
    kafka = ProcessRecord(
        name="kafka-public", role="kafka", site="public", pid=1, start_ticks=1, argv=(), environ={},
        cwd="/", log="", ready="",
    )  # fmt: skip
    postgres = msgspec.structs.replace(kafka, name="postgres", role="postgres", site="private")
    with answering() as broker:
        set_stage.endpoint("kafka.public", "{}:{}".format(*broker.getsockname()))
        set_stage.endpoint("ledger.dsn", postgres_dsn)
        set_stage.save()
        assert is_ready(kafka, set_stage.cloud.state())
        assert is_ready(postgres, set_stage.cloud.state())
    set_stage.endpoint("kafka.public", "127.0.6.1:1")
    set_stage.endpoint("ledger.dsn", f"host={tmp_path} user=u dbname=d")
    set_stage.save()
    assert not is_ready(kafka, set_stage.cloud.state())
    assert not is_ready(postgres, set_stage.cloud.state())
