"""Twin of chaos/database.py, on a real server."""

import psycopg
import pytest
from psycopg import conninfo, errors

from chaos.database import DatabaseError, database_answers, set_open

NOWHERE = "host=/nonexistent user=u dbname=d"


@pytest.mark.engines
def test_a_closed_database_takes_nobody_until_it_is_opened(postgres_dsn: str) -> None:
    """Connections end and new ones are refused, the server's others go on; both ways twice do no harm."""
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS closing")
        admin.execute("CREATE DATABASE closing")
    dsn = conninfo.make_conninfo(postgres_dsn, dbname="closing")
    assert database_answers(dsn)
    with psycopg.connect(dsn, autocommit=True) as held:
        set_open(dsn, is_open=False)
        set_open(dsn, is_open=False)
        with pytest.raises((errors.AdminShutdown, psycopg.OperationalError)):
            held.execute("SELECT 1")
    assert not database_answers(dsn)
    assert database_answers(postgres_dsn)
    set_open(dsn, is_open=True)
    set_open(dsn, is_open=True)
    assert database_answers(dsn)


def test_a_server_that_is_not_there_is_said() -> None:
    """It does not answer, and closing a database of it is an error that names the database."""
    assert not database_answers(NOWHERE)
    with pytest.raises(DatabaseError, match="database d: "):
        set_open(NOWHERE, is_open=False)
