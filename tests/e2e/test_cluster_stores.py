"""Kafka and PostgreSQL beside real clusters: reached by whom, back after a death with their data, gone with the cluster."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psycopg
import pytest
from confluent_kafka.admin import AdminClient

from contracts.cluster import ClusterState
from local.clusters_network import inside
from local.clusters_state import ClusterFiles
from local.clusters_stores import database_spec, store_of
from local.postgres import dsn
from runtime.processes import end_processes, marked_processes
from tests.e2e.clusters import Clusters, clusters, spec_of

__all__ = ["clusters"]
pytestmark = pytest.mark.clusters


def with_stores(site):
    return msgspec.structs.replace(spec_of("est", site), stores=True)


def reaches(namespace: str, address: str) -> bool:
    host, _, port = address.rpartition(":")
    code = f"import socket; socket.create_connection(({host!r}, {port}), 1.5)"
    done = subprocess.run(
        inside(namespace, sys.executable, "-c", code), check=False, capture_output=True, timeout=20
    )
    return done.returncode == 0


def topics(state: ClusterState) -> set[str]:
    admin = AdminClient({"bootstrap.servers": state.kafka, "broker.address.family": "v4"})
    return set(admin.list_topics(timeout=10).topics)


def memory_segments() -> set[str]:
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


def ledger(clusters: Clusters) -> psycopg.Connection:
    block = ClusterFiles(clusters.root, "est", "private").read_block()
    assert block
    return psycopg.connect(dsn(database_spec(block.site("private")), "ledger"), autocommit=True)


def test_stores_serve_their_site_survive_a_death_and_leave_nothing(clusters: Clusters) -> None:
    """The bridge's site reaches both brokers, the public one only its own; a lost store is healed, its data kept."""
    before = memory_segments()
    public = clusters.run("apply", with_stores("public"))
    private = clusters.run("apply", with_stores("private"))
    assert (public.postgres, public.passfile) == ("", "")
    assert "clicks" in topics(public) & topics(private)
    assert reaches(private.namespace, public.kafka)
    assert reaches(private.namespace, private.kafka)
    assert reaches(private.namespace, private.postgres)
    assert reaches(public.namespace, public.kafka)
    assert not reaches(public.namespace, private.kafka)
    assert not reaches(public.namespace, private.postgres)

    with ledger(clusters) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    files = ClusterFiles(clusters.root, "est", "private")
    stores = [it for it in marked_processes(files.mark) if store_of(it)]
    assert len(stores) == 2
    end_processes(stores, signum=signal.SIGKILL, grace_s=10)
    assert not clusters.run("read", with_stores("private")).ready
    assert clusters.run("apply", with_stores("private")).ready
    with ledger(clusters) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    assert "clicks" in topics(private)

    for site in ("public", "private"):
        clusters.run("delete", with_stores(site))
        assert clusters.left("est", site) == []
    assert memory_segments() <= before
