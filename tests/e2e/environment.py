"""An environment of this checkout driven by its command line, as an engineer would, and gone after the test."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.cluster import Site
from local.clusters_state import ClusterFiles
from tests.e2e.clusters import Clusters, spec_of
from tests.e2e.conftest import ROOT

COMMAND_S_MAX = 300
SITES: tuple[Site, ...] = ("public", "private")
Done = subprocess.CompletedProcess[str]


class Environment:
    """`isthmus` and `kubectl` on one environment; each command's time is printed."""

    def __init__(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.name = name
        self._capsys = capsys
        self._checkout = Clusters(ROOT)

    def say(self, text: str) -> None:
        """Tell it while the test runs."""
        with self._capsys.disabled():
            print(f"  {text}", flush=True)  # noqa: T201 - a scenario of minutes is followed

    def run(self, *words: str, code: int = 0) -> Done:
        """`isthmus WORDS`, expected to end with `code`."""
        began_s = time.monotonic()
        done = subprocess.run(
            self.command(*words), cwd=ROOT, check=False, capture_output=True, text=True, timeout=COMMAND_S_MAX,
        )  # fmt: skip
        self.say(
            f"{time.monotonic() - began_s:6.1f} s  isthmus {' '.join(words)} -> {done.returncode}"
        )
        assert done.returncode == code, done.stdout[-4000:] + done.stderr[-4000:]
        return done

    @staticmethod
    def command(*words: str) -> list[str]:
        """The command line of `isthmus WORDS`."""
        return [sys.executable, "-m", "cli", *words]

    def changes(self, action: str, *, code: int = 0) -> dict[str, dict[str, int]]:
        """What an action changed, or a preview would change, by stack; what stays is left out."""
        summary = json.loads(self.run(action, self.name, "--json", code=code).stdout)
        found = {
            it["stack"]: {op: n for op, n in it["changes"].items() if op not in {"same", "read"}}
            for it in summary["stacks"]
        }
        return {stack: changes for stack, changes in found.items() if changes}

    def configure(self, part: str, **values: str) -> None:
        """The stack's configuration file, written anew as by hand; a salt that is there stays."""
        path = self.config(part)
        kept = path.read_text().splitlines() if path.exists() else []
        salt = [line for line in kept if line.startswith("encryptionsalt")]
        lines = [f'  isthmus:{key}: "{value}"' for key, value in values.items()]
        path.write_text("\n".join([*salt, "config:", *lines, ""]))

    def config(self, part: str) -> Path:
        """The stack's configuration file."""
        return ROOT / f"Pulumi.{self.name}-{part}.yaml"

    def kubectl(self, site: Site, *words: str, text: str = "", code: int = 0) -> Done:
        """`kubectl WORDS` on a site's cluster."""
        kubeconfig = ClusterFiles(ROOT, self.name, site).kubeconfig
        done = subprocess.run(
            [ROOT / ".isthmus/bin/kubectl", "--kubeconfig", kubeconfig, *words], check=False, input=text,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.returncode == 0) == (code == 0), done.stdout + done.stderr
        return done

    def get(self, site: Site, *words: str) -> list[dict[str, Any]]:
        """`kubectl get WORDS` as objects."""
        return json.loads(self.kubectl(site, "get", *words, "-o", "json").stdout)["items"]

    def nodes(self, pool: str) -> list[str]:
        """`kubectl get nodes -l isthmus.dev/pool=POOL` on the public site."""
        return [
            it["metadata"]["name"]
            for it in self.get("public", "nodes", "-l", f"isthmus.dev/pool={pool}")
        ]

    def ready_pods(self, site: Site, workload: str) -> dict[str, str]:
        """The node of each pod of a workload that is Ready."""
        pods = self.get(site, "pods", "-n", "isthmus", "-l", f"app.kubernetes.io/name={workload}")
        return {
            it["metadata"]["name"]: it["spec"]["nodeName"]
            for it in pods
            for condition in it["status"].get("conditions", ())
            if (condition["type"], condition["status"]) == ("Ready", "True")
        }

    def address(self, site: Site, workload: str) -> str:
        """Where one Ready pod of a workload listens."""
        name = next(iter(self.ready_pods(site, workload)))
        pod = json.loads(
            self.kubectl(site, "get", "pod", "-n", "isthmus", name, "-o", "json").stdout
        )
        return f"{pod['status']['podIP']}:8080"

    def left(self) -> list[str]:
        """Everything of the environment that is still on this machine."""
        found = [it for site in SITES for it in self._checkout.left(self.name, site)]
        stacks = ROOT / ".isthmus" / "pulumi" / "state" / ".pulumi" / "stacks" / "isthmus"
        return found + [str(it) for it in stacks.glob(f"{self.name}-*.json")]

    def clear(self) -> None:
        """Take it away, however it is."""
        subprocess.run(
            self.command("down", self.name, "--confirm", self.name), cwd=ROOT, check=False,
            capture_output=True, timeout=COMMAND_S_MAX,
        )  # fmt: skip
        for site in SITES:
            self._checkout.run("delete", spec_of(self.name, site))
        for part in (*SITES, "fabric"):
            self.config(part).unlink(missing_ok=True)


def eventually(condition: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.5)


@pytest.fixture
def environment(capsys: pytest.CaptureFixture[str]) -> Iterator[Environment]:
    """The environment `e2e`, from nothing; gone afterwards, however the test ended."""
    found = Environment("e2e", capsys)
    found.clear()
    yield found
    found.clear()
    assert found.left() == []
