"""The stores of a site beside its cluster: a Kafka broker, on the private site also PostgreSQL.

Both listen at the site's gateway, the one address of the site that its pods reach without a node; the bridge
reaches the public broker there over the site link. Nobody reaches the private site's that way.
"""

import contextlib
import functools
import pwd
import shutil
import signal
import time
from pathlib import Path
from typing import Literal

import msgspec

from contracts.cluster import ClusterSpec
from local import kafka, postgres
from local.clusters_agents import CODE
from local.clusters_block import SiteNetwork
from local.clusters_network import inside
from local.clusters_state import ClusterFiles, database_home
from local.engines import DATABASES, create_topic
from local.launch import tail_of
from runtime.processes import MARK, Launch, Process, end_processes, marked_processes, start_process
from toolchain.kafka import fetch_kafka

Store = Literal["kafka", "postgres"]
KAFKA_PORT, CONTROLLER_PORT, POSTGRES_PORT = 9092, 9093, 5432
READY_S_MAX = 90.0
"""A broker is up in 2 s on an idle machine; beside two control planes that start, in ten."""
END_S = 10.0
POLL_S = 0.05
LOADED_S = 0.5
LOG_CHARACTERS_MAX = 600


class StoreError(Exception):
    """A store does not come up: which, what its log says."""


def wanted(spec: ClusterSpec) -> tuple[Store, ...]:
    """The stores a cluster has."""
    if not spec.stores:
        return ()
    return ("kafka", "postgres") if spec.site == "private" else ("kafka",)


def kafka_address(net: SiteNetwork) -> str:
    """The broker as clients reach it."""
    return f"{net.gateway}:{KAFKA_PORT}"


def postgres_address(net: SiteNetwork) -> str:
    """The database as pods reach it."""
    return f"{net.gateway}:{POSTGRES_PORT}"


def passfile_of(net: SiteNetwork) -> str:
    """The database's libpq password file, 0600."""
    return database_spec(net).passfile


def broker_spec(files: ClusterFiles, net: SiteNetwork) -> kafka.BrokerSpec:
    """The site's broker."""
    address, controller = kafka_address(net), f"{net.gateway}:{CONTROLLER_PORT}"
    return kafka.BrokerSpec(
        directory=str(files.site / "kafka"),
        listeners=(kafka.Listener(name="SITE", bind=address, advertised=address),),
        inter_broker="SITE", controller=controller, voter=controller,
    )  # fmt: skip


def database_spec(net: SiteNetwork) -> postgres.PostgresSpec:
    """The private site's database; it takes clients from the site's pods only."""
    planned = postgres.plan_postgres(database_home(net))
    return msgspec.structs.replace(planned, listen=net.gateway, clients=net.pods)


class Stores:
    """The stores of one site."""

    def __init__(self, files: ClusterFiles, net: SiteNetwork) -> None:
        self._files, self._net = files, net

    def start(self, spec: ClusterSpec) -> None:
        """Exactly those that are asked for run or are starting. Raises `KafkaError`, `PostgresError`, `OSError`."""
        asked, running = wanted(spec), self.running()
        end_stores([it for name, it in running.items() if name not in asked])
        for name in asked:
            if name not in running:
                self._start(name)

    def await_ready(self, spec: ClusterSpec) -> None:
        """Wait until all serve and hold what a fabric expects of them. Raises `StoreError`."""
        deadline = time.monotonic() + READY_S_MAX
        for name in wanted(spec):
            check = functools.partial(self._check, name, deadline)
            if name == "kafka":
                create_topic(kafka_address(self._net), check)
            else:
                database = database_spec(self._net)
                while not postgres.answers(database):
                    check()
                    time.sleep(POLL_S)
                postgres.create_databases(database, DATABASES)

    def running(self) -> dict[Store, Process]:
        """Those that run, however they were started."""
        found: dict[Store, Process] = {}
        for process in marked_processes(self._files.mark):
            name = store_of(process)
            if name:
                found[name] = process
        return found

    def _check(self, name: Store, deadline_s: float) -> None:
        ended = self._has_ended(name)
        if ended or time.monotonic() > deadline_s:
            what = "ended before it served" if ended else f"does not serve after {READY_S_MAX:g} s"
            log = self._log(name)
            said = " ".join(tail_of(str(log)).split())[-LOG_CHARACTERS_MAX:]
            raise StoreError(
                f"{name} of {self._net.namespace} {what}: {said or 'its log is empty'}; "
                f"expected it at {self._net.gateway}. fix: see {log}, then apply again"
            )

    def _has_ended(self, name: Store) -> bool:
        """Looked at twice: a program that is just being loaded has no command line for a moment."""
        if name in self.running():
            return False
        time.sleep(LOADED_S)
        return name not in self.running()

    def _start(self, name: Store) -> None:
        match name:
            case "kafka":
                self._launch(name, self._kafka_argv(), {}, inherit=True)
            case "postgres":
                self._launch(name, self._postgres_argv(), postgres.server_environ(), inherit=False)

    def _kafka_argv(self) -> tuple[str, ...]:
        broker = broker_spec(self._files, self._net)
        jars = fetch_kafka(CODE / ".isthmus" / "engines")
        kafka.write_broker(jars, broker)
        return inside(self._net.namespace, *kafka.broker_argv(jars, broker))

    def _postgres_argv(self) -> tuple[str, ...]:
        database = database_spec(self._net)
        home = database_home(self._net)
        home.mkdir(mode=0o711, exist_ok=True)
        home.chmod(0o711)  # its user passes through and does not look around
        postgres.write_postgres(database, postgres.server_environ())
        forget_dead_server(database)
        user = pwd.getpwnam(database.run_as)
        argv = postgres.postgres_argv(database)
        # entered as root, run as its user
        entered = inside(self._net.namespace, *argv)
        return (*entered[:2], f"--setuid={user.pw_uid}", f"--setgid={user.pw_gid}", *entered[2:])

    def _launch(
        self, name: Store, argv: tuple[str, ...], environ: dict[str, str], *, inherit: bool
    ) -> None:
        start_process(
            Launch(
                argv=argv, environ={MARK: self._files.mark} | environ, cwd="/",
                log=str(self._log(name)), inherit=inherit,
            )
        )  # fmt: skip

    def _log(self, name: Store) -> Path:
        return self._files.logs / f"{name}.log"


def forget_dead_server(database: postgres.PostgresSpec) -> None:
    """Take away the locks of a server that was killed, once nothing of it is left.

    PostgreSQL asks whether a lock's process exists, and one that is dead but not yet reaped does. Whatever uses
    these data runs the copy of the program beside them. Raises `StoreError`.
    """
    locks = [Path(database.directory, "data", "postmaster.pid")]
    locks += Path(database.socket_directory).glob(".s.PGSQL.*.lock")
    if not any(it.exists() for it in locks):
        return
    program = f"{database.binaries}/bin/postgres"
    deadline = time.monotonic() + END_S
    while left := _running(program):  # helpers end by themselves, soon after their server
        if time.monotonic() > deadline:
            raise StoreError(
                f"{program}: processes {left} still run without their server; expected them to end. "
                f"fix: see ps -f {' '.join(map(str, left))}, then apply again"
            )
        time.sleep(POLL_S)
    for lock in locks:
        lock.unlink(missing_ok=True)


def _running(program: str) -> list[int]:
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/exe"):
        # one that is gone meanwhile, or dead and not reaped, has no program any more
        with contextlib.suppress(OSError):
            if str(path.readlink()) == program:
                found.append(int(path.parent.name))
    return found


def end_stores(processes: list[Process]) -> None:
    """End them in order: a killed database leaves its shared memory behind."""
    end_processes(processes, signum=signal.SIGINT, grace_s=END_S)


def end_left(mark: str) -> None:
    """End every store that carries a cluster's mark; its data goes as well, so that nothing is written any more."""
    found = [it for it in marked_processes(mark) if store_of(it) == "postgres"]
    # SIGQUIT lets the server remove its shared memory, which outlives a killed one
    end_processes(found, signum=signal.SIGQUIT, grace_s=END_S)


def remove_data(net: SiteNetwork) -> None:
    """The database's files. Raises `OSError`."""
    if database_home(net).exists():
        shutil.rmtree(database_home(net))


def store_of(process: Process) -> Store | None:
    """The store a process is the server of; a database's helpers are not."""
    try:
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    # not the first word: for a moment that is still the program that enters the namespace
    if b"kafka.Kafka" in words:
        return "kafka"
    return "postgres" if any(it.endswith(b"/bin/postgres") for it in words) else None
