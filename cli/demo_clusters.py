"""The clusters of an environment as a place a run is judged on: pods found by the API, taps on both wires."""

import contextlib
import functools
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec

from cli.demo_place import FactError, Place
from contracts.cluster import Site
from infra.documents import WAREHOUSE_ENV
from infra.names import CONFIG, LABEL_NAME, NAMESPACE, PORT_HTTP, PORT_PROBE, SITES
from local import postgres
from local.agent_cgroup import Cgroup
from local.agent_objects import Pod
from local.clusters import read
from local.clusters_api import Api, ApiError
from local.clusters_block import Block
from local.clusters_ground import groups
from local.clusters_state import ClusterFiles
from local.clusters_stores import database_spec
from local.site_tap_settings import SiteTapSettings
from runtime.processes import MARK, Launch, Process, end_processes, is_alive, start_process
from runtime.ready import read_ready

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
TAP_READY_S = 20.0
POLL_S = 0.02


class _Pods(msgspec.Struct, frozen=True):
    items: tuple[Pod, ...]


def workload_of(pod: Pod) -> str:
    """What it is a pod of."""
    return pod.metadata.labels.get(LABEL_NAME, "")


def is_ready(pod: Pod) -> bool:
    """Whether it serves."""
    return any((it.type, it.status) == ("Ready", "True") for it in pod.status.conditions)


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Both sites of an environment that is up."""

    root: Path
    environment: str
    block: Block
    files: dict[Site, ClusterFiles]

    def pods(self, site: Site) -> tuple[Pod, ...]:
        """The pods of the fabric on a site that are ready. Raises `FactError`."""
        try:
            with Api(self.files[site].kubeconfig) as api:
                found = msgspec.json.decode(api.ask("GET", PODS), type=_Pods)
        except ApiError as error:
            raise FactError(f"{self.environment}-{site}: {error}") from error
        return tuple(it for it in found.items if is_ready(it))

    def kept(self, site: Site, pod: Pod) -> Path:
        """Where the node keeps a pod's volumes."""
        node = self.files[site].agents / pod.spec.node_name / "node"
        return node / "pods" / pod.metadata.uid / "volumes"


def find_ground(root: Path, environment: str) -> Ground:
    """The clusters of `environment`. Raises `FactError` when not both are up."""
    files: dict[Site, ClusterFiles] = {
        site: ClusterFiles(root, environment, site) for site in SITES
    }
    block = files["public"].read_block()
    records = [it.read_record() for it in files.values()]
    if block is None or not all(it is not None and read(it.spec, root).ready for it in records):
        raise FactError(
            f"{environment}: not both clusters are up; expected them and the fabric. "
            f"fix: isthmus up {environment}"
        )
    return Ground(root=root, environment=environment, block=block, files=files)


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """The pods that are ready, by site; `core` and `edge` are the routers among them."""

    public: tuple[Pod, ...]
    private: tuple[Pod, ...]
    core: tuple[Pod, ...]
    edge: tuple[Pod, ...]

    def routers(self) -> Iterator[tuple[Site, Pod]]:
        """Every router with its site."""
        for pod in self.core:
            yield "private", pod
        for pod in self.edge:
            yield "public", pod


@contextlib.contextmanager
def tapped(ground: Ground, folder: Path) -> Generator[Place]:
    """The place, both taps running for the time of the block. Raises `FactError`, `OSError`."""
    public, private = ground.pods("public"), ground.pods("private")
    cast = Cast(
        public=public, private=private, core=_routers(private, "router-core"),
        edge=_routers(public, "router-edge"),
    )  # fmt: skip
    with (
        tempfile.TemporaryDirectory(prefix="isthmus-tap-") as sockets,
        _taps(ground, folder, cast.edge, Path(sockets)) as taps,
    ):
        yield _place(ground, folder, cast, taps)


def _routers(pods: tuple[Pod, ...], name: str) -> tuple[Pod, ...]:
    found = tuple(it for it in pods if workload_of(it) == name)
    if not found:
        raise FactError(
            f"{name}: no pod is ready; expected one. fix: isthmus up, kubectl get pods -A"
        )
    return found


def _place(ground: Ground, folder: Path, cast: Cast, taps: tuple[Path, ...]) -> Place:
    routers = tuple(cast.routers())
    database = database_spec(ground.block.site("private"))
    warehouse = postgres.dsn(database, "warehouse")
    site = ground.files["public"].site
    return Place(
        core=f"{cast.core[0].status.pod_ip}:{PORT_HTTP}",
        edge=f"{cast.edge[0].status.pod_ip}:{PORT_HTTP}",
        mark=ground.files["public"].mark,
        read_metrics=functools.partial(_metrics, ground, routers),
        evidence=tuple(ground.kept(at, it) / "state" / "evidence" for at, it in routers),
        taps=taps,
        router_pids=tuple(pid for at, it in routers for pid in _pids(ground, at, it)),
        public=(site / "logs", site / "kafka", site / "agents"),
        ledger_dsn=postgres.dsn(database, "ledger"),
        warehouse_dsn=warehouse,
        bridge_settings=_bridge_settings(ground, folder, cast.private, warehouse),
        ad_nodes=len({it.spec.node_name for it in cast.public if workload_of(it) == "ads"}),
        environment={
            "environment": ground.environment,
            "pods": str(len(cast.public) + len(cast.private)),
        },
    )


def _metrics(ground: Ground, routers: tuple[tuple[Site, Pod], ...]) -> list[str]:
    """Every router's metrics page, through its API server: the probe port takes nobody from outside."""
    found: list[str] = []
    for site, pod in routers:
        path = f"{PODS}/{pod.metadata.name}:{PORT_PROBE}/proxy/metrics"
        try:
            with Api(ground.files[site].kubeconfig) as api:
                found.append(api.ask("GET", path).decode())
        except ApiError as error:
            raise FactError(f"{pod.metadata.name}: {error}; expected a running router") from error
    return found


def _pids(ground: Ground, site: Site, pod: Pod) -> list[int]:
    found = groups()
    relative = f"{ground.block.cgroup}/{site}/{pod.spec.node_name}/{pod.metadata.uid}"
    return Cgroup(found, relative).processes() if found else []


def _bridge_settings(ground: Ground, folder: Path, pods: tuple[Pod, ...], dsn: str) -> Path:
    """The bridge's own files, as they are in its pod, with paths and the database as they are outside of it."""
    bridge = next((it for it in pods if workload_of(it) == "bridge"), None)
    if bridge is None:
        raise FactError(
            "bridge: no pod is ready; expected one. fix: kubectl logs -n isthmus deploy/bridge"
        )
    target = folder / "bridge"
    shutil.copytree(ground.kept("private", bridge) / "config", target)
    (target / "warehouse.dsn").write_text(dsn)
    replaced = {
        CONFIG: str(target),
        f"env:{WAREHOUSE_ENV}": f"file:{target}/warehouse.dsn",
    }
    for name in ("settings.json", "topology.yaml"):
        text = (target / name).read_text()
        for old, new in replaced.items():
            text = text.replace(old, new)
        (target / name).write_text(text)
    return target / "settings.json"


@contextlib.contextmanager
def _taps(
    ground: Ground, folder: Path, edge: tuple[Pod, ...], sockets: Path
) -> Generator[tuple[Path, ...]]:
    """One tap on the public end of the site link, one on the wire all public pods hang on."""
    namespace = ground.block.site("public").namespace
    # what a client says to the edge has reached the public cloud by the client's own doing
    doors = tuple(f"{it.status.pod_ip}/32:{PORT_HTTP}" for it in edge)
    settings = [
        SiteTapSettings(
            name=f"tap-{interface}", namespace=namespace, interface=interface, spared=spared,
            control=str(sockets / f"{interface}.sock"), ready=str(folder / f"tap-{interface}.ready"),
            beacons=str(folder / f"tap-{interface}.beacons"),
        )
        for interface, spared in (("site", ()), ("pods", doors))
    ]  # fmt: skip
    processes = [_start_tap(ground, folder, it) for it in settings]
    try:
        for it, process in zip(settings, processes, strict=True):
            deadline = time.monotonic() + TAP_READY_S
            while read_ready(Path(it.ready)) is None:
                if not is_alive(process) or time.monotonic() > deadline:
                    said = (folder / f"{it.name}.log").read_text().strip()[-400:]
                    raise FactError(f"{it.name} does not start: {said}; expected it to capture")
                time.sleep(POLL_S)
        yield tuple(Path(it.control) for it in settings)
    finally:
        end_processes(processes, signum=signal.SIGTERM, grace_s=5)


def _start_tap(ground: Ground, folder: Path, settings: SiteTapSettings) -> Process:
    path = folder / f"{settings.name}.json"
    path.write_bytes(msgspec.json.encode(settings))
    return start_process(
        Launch(
            argv=(sys.executable, "-m", "local.site_tap", "--settings", str(path)),
            environ={MARK: ground.files["public"].mark}, cwd=str(ground.root),
            log=str(folder / f"{settings.name}.log"),
        )
    )  # fmt: skip
