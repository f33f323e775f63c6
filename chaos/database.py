"""PostgreSQL as the faults need it: does it answer, close one database to everybody, open it again."""

import psycopg
from psycopg import conninfo, sql

CONNECT_S = 2
MAINTENANCE = "postgres"
"""The database every server has; a closed one cannot be connected to, not even to open it."""


class DatabaseError(Exception):
    """The server does not answer or refuses: what and why."""


def database_answers(dsn: str) -> bool:
    """Whether the server behind `dsn` takes a statement."""
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_S, autocommit=True) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def set_open(dsn: str, *, is_open: bool) -> None:
    """Let the database of `dsn` take connections, or none: closing ends those there are. Raises `DatabaseError`.

    Doing it twice does no harm.
    """
    name = str(conninfo.conninfo_to_dict(dsn)["dbname"])
    where = conninfo.make_conninfo(dsn, dbname=MAINTENANCE)
    try:
        with psycopg.connect(where, connect_timeout=CONNECT_S, autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}").format(
                    sql.Identifier(name), sql.Literal(is_open)
                )
            )
            if not is_open:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    (name,),
                )
    except psycopg.Error as error:
        raise DatabaseError(f"database {name}: {error}") from error
