"""Broker and database beside a cluster: what runs where, and how a process is known as one of them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from contracts.cluster import ClusterSpec, Site
from local import clusters_stores
from local.clusters_block import Block
from local.clusters_state import ClusterFiles
from local.clusters_stores import (
    StoreError,
    Stores,
    broker_spec,
    database_spec,
    end_left,
    forget_dead_server,
    kafka_address,
    passfile_of,
    postgres_address,
    store_of,
    wanted,
)
from local.kafka import server_properties
from local.postgres import PostgresSpec, postgres_argv
from runtime.processes import MARK, Launch, Process, end_processes, is_alive, start_process

NET = Block(base=96, id="ab12").site("private")
FOUND_S_MAX = 20.0


def spec(site: Site = "private", *, stores: bool = True) -> ClusterSpec:
    return ClusterSpec(environment="dev", site=site, pools=(), stores=stores)


def stand_in(mark: str, tmp_path: Path, *words: str) -> Process:
    """A process that looks like a store by its command line."""
    launch = Launch(
        argv=(sys.executable, "-c", "import signal; signal.pause()", *words),
        environ={MARK: mark}, cwd=str(tmp_path), log=str(tmp_path / "log"),
    )  # fmt: skip
    process = start_process(launch)
    deadline = time.monotonic() + FOUND_S_MAX
    # a program that is just being loaded has no command line for a moment
    while not Path(f"/proc/{process.pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def end(process: Process) -> None:
    end_processes([process], signum=signal.SIGKILL, grace_s=5)


@pytest.mark.parametrize(
    ("site", "stores", "names"),
    [
        ("public", True, ("kafka",)), ("private", True, ("kafka", "postgres")),
        ("public", False, ()), ("private", False, ()),
    ],
)  # fmt: skip
def test_only_the_private_site_has_a_database(
    site: Site,
    stores: bool,  # noqa: FBT001 - a row of the table
    names: tuple[str, ...],
) -> None:
    """Nothing that keeps orders stands on the public one."""
    assert wanted(spec(site, stores=stores)) == names


def test_both_listen_at_the_sites_gateway(tmp_path: Path) -> None:
    """The one address of the site that its pods reach without a node."""
    assert kafka_address(NET) == f"{NET.gateway}:9092"
    assert postgres_address(NET) == f"{NET.gateway}:5432"
    lines = server_properties(broker_spec(ClusterFiles(tmp_path, "dev", "private"), NET))
    assert f"listeners=SITE://{NET.gateway}:9092,CONTROLLER://{NET.gateway}:9093\n" in lines
    assert f"advertised.listeners=SITE://{NET.gateway}:9092," in lines


def test_the_database_takes_pods_of_its_site_and_no_others() -> None:
    """Its files lie where they are found from the name of the namespace alone."""
    found = database_spec(NET)
    assert (found.listen, found.clients) == (NET.gateway, NET.pods)
    assert f"--listen_addresses={NET.gateway}" in postgres_argv(found)
    assert passfile_of(NET) == f"/var/lib/{NET.namespace}/pgpass"


def test_a_store_is_known_by_its_command_line(tmp_path: Path) -> None:
    """Also in the moment in which the program that enters the namespace is still there; helpers are none."""
    for words, name in (
        (("nsenter", "java", "kafka.Kafka", "server.properties"), "kafka"),
        (("nsenter", "/x/bin/postgres", "-D", "/x"), "postgres"),
        (("postgres: checkpointer",), None),
    ):
        process = stand_in(str(tmp_path), tmp_path, *words)
        try:
            assert store_of(process) == name
        finally:
            end(process)
    assert store_of(process) is None


def test_a_store_that_runs_is_not_started_again(tmp_path: Path) -> None:
    """A second apply changes nothing; one that is no longer asked for ends."""
    files = ClusterFiles(tmp_path, "dev", "public")
    files.make()
    process = stand_in(files.mark, tmp_path, "kafka.Kafka")
    try:
        stores = Stores(files, NET)
        stores.start(spec("public"))
        assert stores.running() == {"kafka": process}
        stores.start(spec("public", stores=False))
        assert not is_alive(process)
    finally:
        end(process)


def test_a_store_that_ends_is_named_with_its_last_words(tmp_path: Path) -> None:
    """The log, and the way on."""
    files = ClusterFiles(tmp_path, "dev", "public")
    files.make()
    (files.logs / "kafka.log").write_text("FATAL no space left\n")
    with pytest.raises(
        StoreError, match=r"kafka of .* ended before it served: FATAL no space left; .*fix: see"
    ):
        Stores(files, NET).await_ready(spec("public"))


def test_a_database_is_asked_to_go_before_it_is_killed(tmp_path: Path) -> None:
    """SIGQUIT: what it shares with its helpers goes with it."""
    mark = str(tmp_path / "mark")
    told = tmp_path / "told"
    code = (
        "import pathlib, signal, sys\n"
        f"signal.signal(signal.SIGQUIT, lambda *_: (pathlib.Path({str(told)!r}).touch(), sys.exit()))\n"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()\nsignal.pause()"
    )
    process = start_process(
        Launch(
            argv=(sys.executable, "-c", code, "/x/bin/postgres"), environ={MARK: mark},
            cwd=str(tmp_path), log=str(tmp_path / "log"),
        )
    )  # fmt: skip
    try:
        deadline = time.monotonic() + FOUND_S_MAX
        while not (tmp_path / "ready").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        end_left(mark)
        assert told.exists()
        assert not is_alive(process)
    finally:
        end(process)


def test_a_killed_servers_locks_go_once_nothing_of_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pid in it may be that of somebody else by now, or of one that is dead and not yet reaped."""
    database = PostgresSpec(directory=str(tmp_path), binaries=str(tmp_path / "pg"), run_as="nobody")
    program = tmp_path / "pg" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    shutil.copy(shutil.which("sleep") or "", program)
    lock = tmp_path / "data" / "postmaster.pid"
    lock.parent.mkdir()
    forget_dead_server(database)
    lock.write_text(f"{os.getpid()}\n{tmp_path / 'data'}\n")
    socket_lock = tmp_path / "socket" / ".s.PGSQL.5432.lock"
    socket_lock.parent.mkdir()
    socket_lock.write_text(f"{os.getpid()}\n")
    monkeypatch.setattr(clusters_stores, "END_S", 0.2)
    with subprocess.Popen([program, "60"]) as helper:
        with pytest.raises(StoreError, match=rf"processes \[{helper.pid}\] still run"):
            forget_dead_server(database)
        assert lock.exists()
        helper.kill()
    forget_dead_server(database)
    assert not lock.exists()
    assert not socket_lock.exists()


def test_nothing_but_the_standard_tool_enters_the_namespace() -> None:
    """It can set user and group, which the database's command line needs."""
    told = subprocess.run(["nsenter", "--help"], check=True, capture_output=True, text=True).stdout
    assert "--setuid" in told
    assert "--setgid" in told


def test_a_specification_without_the_key_has_no_stores() -> None:
    """Those written before it existed stay as they were."""
    old = b'{"schema":1,"environment":"dev","site":"public","pools":[]}'
    assert not msgspec.json.decode(old, type=ClusterSpec).stores
