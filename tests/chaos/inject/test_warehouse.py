"""Twin of chaos/inject/warehouse.py, on a real server."""

import contextlib

import psycopg
import pytest
from psycopg import conninfo

from chaos.clock import SystemClock
from chaos.database import database_answers
from chaos.faults import FaultError, open_faults
from chaos.heal import heal_all
from chaos.inject.warehouse import close_warehouse
from tests.chaos.stage import Stage


@pytest.mark.engines
def test_the_warehouse_closes_and_opens(set_stage: Stage, postgres_dsn: str) -> None:
    """Proven closed, healed by whoever comes, and the lease holds the endpoint's name, not the DSN."""
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS warehouse_chaos")
        admin.execute("CREATE DATABASE warehouse_chaos")
    dsn = conninfo.make_conninfo(postgres_dsn, dbname="warehouse_chaos")
    set_stage.endpoint("warehouse.dsn", dsn)
    set_stage.save()
    run = set_stage.root / "run"
    with contextlib.closing(open_faults(run, set_stage.path, seed=1)) as faults:
        closed = close_warehouse(faults)
        assert closed.record.proven
        assert closed.lease.targets == ("warehouse.dsn",)
        assert not database_answers(dsn)
        assert heal_all(run / "leases", SystemClock()).failed == {}
        assert database_answers(dsn)
        assert closed.heal().proven


def test_a_warehouse_that_does_not_answer_is_not_closed(set_stage: Stage) -> None:
    """Nothing is injected into what is down already."""
    set_stage.endpoint("warehouse.dsn", "host=/nonexistent user=u dbname=w")
    set_stage.save()
    with (
        contextlib.closing(open_faults(set_stage.root / "run", set_stage.path, seed=1)) as faults,
        pytest.raises(FaultError, match="expected a database that answers before"),
    ):
        close_warehouse(faults)
