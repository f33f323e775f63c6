"""Twin of chaos/runs/session.py."""

import pytest

from chaos.runs.session import SessionError, cloud_of, faults_of, opened, ttl_of
from runtime.processes import is_running
from tests.chaos.stage import Stage


def test_functions_find_the_faults_of_their_run(full_stage: Stage) -> None:
    """By the configuration; at the end of the block what is in force is healed and nobody finds it any more."""
    folder = full_stage.root / "run"
    with opened(folder, full_stage.path, seed=1, ttl_s=30) as configuration:
        kill = faults_of(configuration).node_kill(share=0.2, ttl_s=ttl_of(configuration))
        assert kill.lease.expires_wall_s - kill.lease.created_wall_s == pytest.approx(30)
        assert cloud_of(configuration).path == full_stage.path
        with pytest.raises(SessionError):
            faults_of({"isthmus_run": "another"})
    assert all(is_running(it.pid, it.start_ticks) for it in full_stage.cloud.processes("ads"))
    with pytest.raises(SessionError, match="expected to be called by isthmus chaos run"):
        faults_of(configuration)
