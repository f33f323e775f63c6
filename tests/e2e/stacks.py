"""The project's own stacks in the real engine: a backend and configuration files of the test's, the program as it is."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from tests.e2e.conftest import ROOT

BIN = ROOT / ".isthmus/bin"
STACK_S_MAX = 300
SECRET = frozenset({"kubeconfig", "ledgerDsn", "warehouseDsn", "databasePassword"})


class Stacks:
    """Stacks of one environment; everything of the engine's stands in `root`."""

    def __init__(self, root: Path, environment: str) -> None:
        self.root = root
        self.environment = environment
        self.begun: list[str] = []
        self.override: dict[str, str] = {}
        for name in ("home", "state", "project"):
            (root / name).mkdir()
        # the program as it is, but the stacks' files beside a copy of its project file
        (root / "project/Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
        (root / "project/infra").symlink_to(ROOT / "infra")
        plugin = root / "home/plugins/resource-kubernetes-v4.25.0/pulumi-resource-kubernetes"
        plugin.parent.mkdir(parents=True)
        plugin.symlink_to((BIN / plugin.name).resolve())

    def run(self, part: str, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """`pulumi WORDS` on the stack of `part`."""
        stack = f"{self.environment}-{part}"
        began_s = time.monotonic()
        try:
            return self._run(stack, *words, text=text)
        finally:
            print(f"{time.monotonic() - began_s:6.1f} s  {stack} {' '.join(words[:3])}", flush=True)  # noqa: T201 - shown when a test fails

    def _run(self, stack: str, *words: str, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "pulumi", *words, "-s", stack, "--non-interactive", "--color=never"],
            cwd=self.root / "project", check=False, capture_output=True, text=True, input=text, timeout=STACK_S_MAX,
            env={**os.environ, **self.environ()},
        )  # fmt: skip

    def environ(self) -> dict[str, str]:
        """What every engine of these stacks is told."""
        return {
            "PATH": f"{Path(sys.executable).parent}:{BIN}:{os.environ['PATH']}",
            "PULUMI_HOME": str(self.root / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.root / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "of no consequence",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            **self.override,
        }

    def configure(self, part: str, **values: str) -> None:
        """Keys of the stack; credentials encrypted, lists as JSON."""
        if part not in self.begun:
            self.begun.append(part)
            self._well(part, "stack", "init")
        words: list[str] = []
        for key, value in values.items():
            kind = "--secret" if key in SECRET else "--plaintext"
            entries = enumerate(json.loads(value)) if value.startswith("[") else ()
            words += [it for n, entry in entries for it in (kind, f"{key}[{n}]={entry}")]
            words += [] if value.startswith("[") else [kind, f"{key}={value}"]
        if words:
            self._well(part, "config", "set-all", "--path", *words)

    def _well(self, part: str, *words: str, text: str = "") -> str:
        done = self.run(part, *words, text=text)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def up(self, part: str) -> str:
        """What the engine said of an update that went well, the policy pack looking on."""
        return self._well(part, "up", "--yes", "--policy-pack", str(ROOT / "infra/policypack"))

    def preview(self, part: str) -> str:
        """What would change."""
        return self._well(part, "preview", "--diff")

    def changes(self, part: str) -> dict[str, int]:
        """How many resources a preview would touch, by operation; without those that stay."""
        told = self._well(part, "preview", "--json")
        summary = json.loads(told[told.index("{") :])["changeSummary"]
        return {name: n for name, n in summary.items() if name not in {"same", "read"}}

    def refresh(self, part: str) -> str:
        """What a refresh saw."""
        return self._well(part, "refresh", "--yes")

    def outputs(self, part: str) -> dict[str, object]:
        """Outputs, secrets shown."""
        told = self._well(part, "stack", "output", "--json", "--show-secrets")
        return msgspec.json.decode(told, type=dict[str, object])

    def state(self, part: str) -> str:
        """The stored state as it is on disk."""
        return self._well(part, "stack", "export")

    def destroy(self) -> None:
        """Everything, the last first."""
        for part in reversed(self.begun):
            self._well(part, "destroy", "--yes")
            self._well(part, "stack", "rm", "--yes")
        self.begun.clear()


@pytest.fixture
def stacks(tmp_path: Path) -> Stacks:
    """Stacks of the environment `t1`; the test destroys them."""
    root = tmp_path / "engine"
    root.mkdir()
    return Stacks(root, "t1")
