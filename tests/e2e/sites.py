"""Two real clusters joined by their site link, pods in both, and the faults' command line; one set per module."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from contracts.cluster import ClusterSpec, ClusterState, NodePool, Site
from local.clusters_api import Api
from local.clusters_block import environment_id
from local.clusters_ground import GroundError, require
from local.site_faults import SiteFaults
from tests.e2e.clusters import ROOT, Clusters, spec_of
from tests.local.wires import inside

ENVIRONMENT = "faults"
SPECS: dict[Site, ClusterSpec] = {
    "public": spec_of(
        ENVIRONMENT, "public", NodePool(name="ads", nodes=3, runtime="process", traffic_class="public")
    ),
    "private": spec_of(
        ENVIRONMENT, "private", NodePool(name="core", nodes=1, runtime="process", traffic_class="sensitive")
    ),
}  # fmt: skip
PODS = "/api/v1/namespaces/default/pods"
SERVER = """
import socketserver

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

Server(("0.0.0.0", 8080), Echo).serve_forever()
"""
CLIENT = """
import socket, sys
peer = socket.create_connection((sys.argv[1], 8080), 1.5)
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for line in sys.stdin:
    peer.sendall(line.encode())
    peer.settimeout(float(sys.argv[2]))
    try:
        print(peer.recv(4096).decode().strip(), flush=True)
    except TimeoutError:
        print("silence", flush=True)
"""


def eventually(condition: Callable[[], object], *, within_s: float = 30.0) -> float:
    """How long it took."""
    begun_s = time.monotonic()
    while not condition():
        assert time.monotonic() - begun_s < within_s, "not in time"
        time.sleep(0.05)
    return time.monotonic() - begun_s


class Flow:
    """One TCP connection that stays, from inside a pod to another."""

    def __init__(self, path: str, address: str, *, silence_s: float) -> None:
        argv = ("nsenter", f"--net={path}", sys.executable, "-I", "-c", CLIENT, address, str(silence_s))  # fmt: skip
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def say(self, word: str) -> str:
        """What came back; of an earlier word too, when that was late."""
        process = self._process
        assert process.stdin
        assert process.stdout
        print(word, file=process.stdin, flush=True)
        return process.stdout.readline().strip()

    def opened(self) -> bool:
        """Whether the connection could be made at all."""
        try:
            return self.say("hello") == "hello"
        except BrokenPipeError:
            return False

    def said(self) -> str:
        """Its last words."""
        self._process.kill()
        return self._process.communicate()[1]

    def end(self) -> None:
        if self._process.returncode is None:
            self.said()


class Sites:
    """Both clusters and everything a test asks of them."""

    def __init__(self, made: Clusters, states: dict[Site, ClusterState]) -> None:
        self.made, self.states = made, states
        self.identity = environment_id(str(made.root.resolve()), ENVIRONMENT)
        self._flows: list[Flow] = []

    def api(self, site: Site) -> Api:
        return Api(Path(self.states[site].kubeconfig))

    def get(self, site: Site, path: str) -> dict:
        with self.api(site) as api:
            return json.loads(api.ask("GET", path))

    def apply(self, site: Site, *objects: dict[str, object]) -> None:
        everything = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.made.kubectl(self.states[site], "apply", "-f", "-", text=json.dumps(everything))

    def fault(self, *words: str, code: int = 0) -> SiteFaults:
        """The command, and what it says is in force."""
        argv = [sys.executable, "-m", "local.site_faults", *words, "--json"]
        argv += ["--root", str(self.made.root), "--environment", ENVIRONMENT]
        done = subprocess.run(argv, cwd=ROOT, check=False, capture_output=True, timeout=60)
        assert done.returncode == code, done.stderr.decode()
        if code:
            return msgspec.json.decode(b'{"environment":"","link":{},"delay_ms":{},"nodes":{},"api":{}}', type=SiteFaults)  # fmt: skip
        return msgspec.json.decode(done.stdout, type=SiteFaults)

    def ready(self, site: Site, name: str) -> dict | None:
        pod = self.get(site, f"{PODS}/{name}")
        told = {it["type"]: it["status"] for it in pod["status"].get("conditions", [])}
        return pod if told.get("Ready") == "True" else None

    def address(self, site: Site, name: str) -> str:
        return self.get(site, f"{PODS}/{name}")["status"]["podIP"]

    def inside(self, site: Site, name: str) -> str:
        """A pod's network namespace."""
        uid = self.get(site, f"{PODS}/{name}")["metadata"]["uid"]
        return f"/run/netns/is{self.identity}-{uid[:8]}"

    def flow(self, site: Site, name: str, address: str, *, silence_s: float = 0.5) -> Flow:
        made = Flow(self.inside(site, name), address, silence_s=silence_s)
        self._flows.append(made)
        return made

    def frames(self, site: Site) -> int:
        """What the site's end of the link received."""
        argv = inside(self.states[site].namespace, "ip", "-j", "-s", "link", "show", "site")
        told = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
        return told[0]["stats64"]["rx"]["packets"]

    def end(self) -> None:
        for flow in self._flows:
            flow.end()


def echo_pod(name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "echo"}},
        "spec": echo_spec(),
    }  # fmt: skip


def echo_spec() -> dict[str, object]:
    return {
        "nodeSelector": {"isthmus.dev/runtime": "process"}, "terminationGracePeriodSeconds": 1,
        "containers": [{
            "name": "c", "image": "isthmus.local/process", "command": ["python", "-c", SERVER],
            "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        }],
    }  # fmt: skip


def at_once(made: Clusters, operation: str) -> dict[Site, ClusterState]:
    """Of both clusters, side by side."""
    with ThreadPoolExecutor() as pool:
        done = {site: pool.submit(made.run, operation, spec) for site, spec in SPECS.items()}
        return {site: it.result() for site, it in done.items()}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Gone after the module's tests, with nothing left; skipped where there can be none."""
    try:
        require(SPECS["public"], ROOT)
    except GroundError as error:
        pytest.skip(str(error))
    made = Clusters(tmp_path_factory.mktemp("sites"))
    found: Sites | None = None
    try:
        states = at_once(made, "apply")
        found = Sites(made, states)
        for site in states:
            path = "/api/v1/namespaces/default/serviceaccounts"
            eventually(lambda site=site, path=path: found.get(site, path)["items"])
        yield found
    finally:
        if found:
            found.end()
        at_once(made, "delete")
        assert [*made.left(ENVIRONMENT, "public"), *made.left(ENVIRONMENT, "private")] == []
