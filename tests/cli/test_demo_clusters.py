"""The clusters of an environment as a place; on real ones it is shown by tests/e2e."""

import json
from pathlib import Path

import msgspec
import pytest

from cli.demo_clusters import (
    Cast,
    Ground,
    _bridge_settings,
    _routers,
    find_ground,
    is_ready,
    workload_of,
)
from cli.demo_place import FactError
from contracts.cluster import ClusterSpec
from local.agent_objects import Pod
from local.clusters_block import Block
from local.clusters_state import ClusterFiles, Record

BLOCK = Block(base=96, id="ab12")


def pod(workload: str, *, node: str = "core-1", ready: str = "True") -> Pod:
    told = {
        "metadata": {
            "name": f"{workload}-x", "uid": f"u-{workload}",
            "labels": {"app.kubernetes.io/name": workload}, "namespace": "isthmus",
        },
        "spec": {"nodeName": node, "containers": []},
        "status": {"podIP": "10.98.1.2", "conditions": [{"type": "Ready", "status": ready}]},
    }  # fmt: skip
    return msgspec.json.decode(json.dumps(told), type=Pod)


def ground(root: Path) -> Ground:
    files = {site: ClusterFiles(root, "dev", site) for site in ("public", "private")}
    return Ground(root=root, environment="dev", block=BLOCK, files=files)


def test_a_pod_is_read_as_the_api_server_tells_of_it() -> None:
    """Workload, node, address, and whether it serves."""
    found = pod("orders")
    assert (workload_of(found), found.spec.node_name, found.status.pod_ip) == (
        "orders", "core-1", "10.98.1.2",
    )  # fmt: skip
    assert is_ready(found)
    assert not is_ready(pod("orders", ready="False"))


def test_routers_are_told_with_their_site() -> None:
    """The core is private, the edge public; without one there is no door."""
    core, edge = pod("router-core"), pod("router-edge")
    cast = Cast(public=(edge,), private=(core,), core=(core,), edge=(edge,))
    assert list(cast.routers()) == [("private", core), ("public", edge)]
    assert _routers((core, edge), "router-edge") == (edge,)
    with pytest.raises(FactError, match=r"router-core: no pod is ready; .*fix: isthmus up"):
        _routers((edge,), "router-core")


def test_a_cluster_with_a_record_and_nothing_behind_it_is_not_up(tmp_path: Path) -> None:
    """A machine that was restarted has the files still."""
    files = ClusterFiles(tmp_path, "dev", "public")
    files.make()
    files.write_block(BLOCK)
    spec = ClusterSpec(environment="dev", site="public", pools=())
    files.write_record(Record(identifier="x", spec=spec, formed=True))
    with pytest.raises(FactError, match=r"dev: not both clusters are up; .*fix: isthmus up dev"):
        find_ground(tmp_path, "dev")


def test_the_bridge_s_own_files_are_used_with_paths_and_database_of_outside(tmp_path: Path) -> None:
    """So that a link is verified against what the bridge itself was told."""
    place = ground(tmp_path)
    config = place.kept("private", pod("bridge")) / "config"
    config.mkdir(parents=True)
    (config / "settings.json").write_text('{"policy":"/run/isthmus/config/policy.yaml"}')
    (config / "topology.yaml").write_text('{"warehouse":{"dsn":"env:WAREHOUSE_DSN"}}')
    (config / "policy.yaml").write_text("version: isthmus/v1\n")
    run = tmp_path / "run"
    run.mkdir()
    settings = _bridge_settings(place, run, (pod("bridge"),), "host=/somewhere")
    told = json.loads(settings.read_text())
    assert Path(told["policy"]).read_text() == "version: isthmus/v1\n"
    dsn = json.loads((run / "bridge" / "topology.yaml").read_text())["warehouse"]["dsn"]
    assert Path(dsn.removeprefix("file:")).read_text() == "host=/somewhere"
    with pytest.raises(FactError, match="bridge: no pod is ready"):
        _bridge_settings(place, run, (), "")
