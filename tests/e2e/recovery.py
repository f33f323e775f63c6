"""An environment on two clusters that are there, worked on by the command itself, and ways to get in its way."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from contracts.cluster import ClusterState, NodePool, Site
from infra.engine.environ import mark_of
from infra.engine.states import Deployment, read_export
from infra.orchestrate import Summary
from local.clusters_block import environment_id
from runtime.processes import Process, marked_processes
from tests.e2e.clusters import Clusters, spec_of
from tests.e2e.conftest import ROOT
from tests.e2e.stacks import BIN, Stacks

COMMAND_S_MAX = 600
"""Half a minute on a machine that has nothing else to do; ten times that on one that has."""
ENGINE = "pulumi"


def image(number: int) -> str:
    """An image of another digest for each number; no node of these clusters runs it."""
    return f"registry.example/isthmus@sha256:{number:064x}"


class Environment(Stacks):
    """One environment: `root/project` is the checkout the command is run in, `root` the clusters' own."""

    def __init__(self, root: Path, environment: str) -> None:
        super().__init__(root, environment)
        self.project = root / "project"
        (self.project / "local").symlink_to(ROOT / "local")
        (self.project / ".isthmus").mkdir()
        (self.project / ".isthmus/bin").symlink_to(BIN)
        self.clusters = Clusters(root)
        self.states: dict[Site, ClusterState] = {}
        self.whole = False

    def make_clusters(self) -> None:
        """Two clusters of fake nodes, and stacks that take them; what a cut took away is put back."""
        for site, pools in (
            ("public", (("ads", "public"), ("edge", "public"))),
            ("private", (("core", "sensitive"), ("reserve", "public"))),
        ):
            nodes = tuple(
                NodePool(name=name, nodes=2, runtime="kwok", traffic_class=it) for name, it in pools
            )
            self.states[site] = self.clusters.run("apply", spec_of(self.environment, site, *nodes))

    def begin(self) -> None:
        """Configuration of three stacks; nothing of it is up."""
        self.make_clusters()
        for site, state in self.states.items():
            self.configure(
                site, driver="existing", kubeconfigFile=str(self.kubeconfig(site)),
                clusterIdentifier=state.identifier, networks=f'["{state.pod_network}"]',
            )  # fmt: skip
            self.kubeconfig(site).write_bytes(Path(state.kubeconfig).read_bytes())
        gateways = {it: state.pod_network.replace("0.0/16", "0.1:9092") for it, state in self.states.items()}  # fmt: skip
        self.configure(
            "fabric", image=image(0), ledgerDsn="host=/run/pg dbname=ledger",
            warehouseDsn="host=/run/pg dbname=warehouse", databasePassword="hunter2",
            kafkaPublic=f'["{gateways["public"]}"]', kafkaPrivate=f'["{gateways["private"]}"]',
        )  # fmt: skip

    def kubeconfig(self, site: str) -> Path:
        """The file a stack's kubeconfig is read from."""
        return self.root / f"{site}.kubeconfig"

    def set_image(self, number: int) -> None:
        """Another image for every workload: nine Deployments change."""
        path = self.project / f"Pulumi.{self.environment}-fabric.yaml"
        lines = [
            f"  isthmus:image: {image(number)}" if "isthmus:image:" in line else line
            for line in path.read_text().splitlines()
        ]
        path.write_text("\n".join(lines) + "\n")

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """`isthmus WORDS ENV`, its output piped."""
        return subprocess.Popen(
            [Path(sys.executable).parent / "isthmus", *words, self.environment], cwd=self.project,
            env={**os.environ, **self.environ()}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def isthmus(self, *words: str) -> tuple[int, str, str]:
        """The same to its end: exit code, output, errors."""
        with self.start(*words) as child:
            out, err = child.communicate(timeout=COMMAND_S_MAX)
        print(f"isthmus {' '.join(words)} {self.environment}: {child.returncode}\n{err[-3000:]}")  # noqa: T201 - shown when a test fails
        return child.returncode, out, err

    def go(self, action: str = "up") -> tuple[Summary, str]:
        """The action on all stacks, with what it said; the exit code is the summary's."""
        sure = ("--confirm", self.environment) if action == "down" else ()
        code, out, err = self.isthmus(action, *sure, "--json")
        summary = msgspec.json.decode(out, type=Summary)
        print(out)  # noqa: T201 - shown when a test fails
        assert summary.exit_code == code
        return summary, err

    def up(self) -> Summary:
        """Bring it up whole."""
        summary, _ = self.go()
        assert summary.exit_code == 0
        self.whole = True
        return summary

    def ensure_whole(self) -> None:
        """As a test before may have left it, or whole."""
        if not self.whole:
            self.up()
        self.whole = False

    def until(self, child: "subprocess.Popen[str]", words: str) -> str:
        """Read what it says until it says that."""
        assert child.stderr
        said: list[str] = []
        for line in child.stderr:
            said.append(line)
            if words in line:
                return "".join(said)
        raise AssertionError(f"it never said {words}: {''.join(said)}")

    def engines(self) -> list[Process]:
        """Every process of an engine of this environment that is left."""
        return [it for it in self.at_work() if _words(it.pid)[:1] == [ENGINE]]

    def at_work(self) -> list[Process]:
        """Those, and the hosts and providers they started."""
        mark = mark_of(self.project, self.environment)
        return [it for it in marked_processes(mark) if "pulumi" in " ".join(_words(it.pid)[:4])]

    def kubectl(self, site: Site, *words: str) -> str:
        """With the credentials of the cluster's own."""
        return self.clusters.kubectl(self.states[site], *words)

    def images(self, site: Site) -> set[str]:
        """What the workloads of the site are told to run."""
        path = "jsonpath={.items[*].spec.template.spec.containers[*].image}"
        return set(self.kubectl(site, "get", "deploy", "-n", "isthmus", "-o", path).split())

    def held(self, part: str) -> Deployment:
        """The stack's deployment as the engine exports it."""
        return read_export(self.state(part)).deployment

    def cut(self, site: Site) -> None:
        """No way to the cluster's API server: its management link is down."""
        letter = "p" if site == "public" else "v"
        link = f"ism{environment_id(str(self.root), self.environment)}{letter}"
        subprocess.run(["ip", "link", "set", link, "down"], check=True)

    def new_certificate(self, site: Site) -> str:
        """A kubeconfig for the same cluster with a client certificate its CA has just signed."""
        pki = next((self.root / ".isthmus/clusters").glob(f"{self.environment}/{site}/**/pki/ca.key")).parent  # fmt: skip
        key, request, made = (self.root / it for it in ("new.key", "new.csr", "new.crt"))
        for words in (
            ("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/O=system:masters/CN=renewed"),
            ("x509", "-req", "-in", request, "-CA", pki / "ca.crt", "-CAkey", pki / "ca.key", "-CAcreateserial", "-CAserial", self.root / "new.srl", "-days", "1", "-out", made),
        ):  # fmt: skip
            subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
        text = Path(self.states[site].kubeconfig).read_text()
        for field, path in (("client-certificate-data", made), ("client-key-data", key)):
            old = next(it for it in text.splitlines() if f"{field}:" in it)
            data = base64.b64encode(path.read_bytes()).decode()
            text = text.replace(old, f"{old.partition(':')[0]}: {data}")
        return text

    def end(self) -> Iterator[str]:
        """Take everything away, however a test ended; yields what stays all the same."""
        for process in self.at_work():
            os.kill(process.pid, signal.SIGKILL)
        for site in self.states:
            self.clusters.run("delete", spec_of(self.environment, site))
        for site in self.states:
            yield from self.clusters.left(self.environment, site)


def _words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def backups(environment: Environment, part: str) -> list[dict[str, object]]:
    """The kept copies of a stack's state, oldest first."""
    home = environment.project / ".isthmus/pulumi/backups"
    paths = sorted(home.glob(f"{environment.environment}-{part}-*.json"))
    return [json.loads(it.read_text()) for it in paths]
