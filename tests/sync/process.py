"""The bridge as a process of its own: settings on disk, started, stopped, killed, asked."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from contracts.bridge import BridgeStatus
from contracts.settings import BridgeSettings
from runtime.control import call_control
from runtime.ready import read_ready
from tests.sync.lab import Lab, wait_for

POLICY = """
version: isthmus/v1
sites:
  public: {{holds: [public]}}
  private: {{holds: [public]}}  # one broker plays both sites, so they share a network
  vault: {{holds: [public, sensitive]}}
routes:
  - {{id: ads, match: {{paths: ["/ads"]}}, class: public, service: ads}}
streams:
  - {{topic: {topic}, from: public, to: private, carry: all}}
"""
TOPOLOGY = """
version: isthmus/v1
sites:
  public: {{networks: [127.0.3.0/24], services: {{}}, kafka: {{bootstrap: ["{source}"]}}}}
  private:
    networks: [127.0.3.0/24]
    services: {{}}
    kafka: {{bootstrap: ["{own}"]}}
    warehouse: {{dsn: "env:ISTHMUS_TEST_WAREHOUSE"}}
"""


class BridgeProcess:
    """`python -m sync` for the link of a lab; `directory` is short, for its control socket."""

    def __init__(self, lab: Lab, *, source: str = "", dsn: str = "", **settings: object) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="isthmus-t-")
        self.directory = Path(self._scratch.name)
        self._dsn = dsn
        (self.directory / "policy.yaml").write_text(POLICY.format(topic=lab.topic))
        (self.directory / "topology.yaml").write_text(
            TOPOLOGY.format(source=source or lab.bootstrap, own=lab.bootstrap)
        )
        self.ready = self.directory / "ready.json"
        self.control = self.directory / "control.sock"
        own = BridgeSettings(
            name="bridge", link=lab.name, site="private",
            policy=str(self.directory / "policy.yaml"), topology=str(self.directory / "topology.yaml"),
            control=str(self.control), ready=str(self.ready),
            warehouse_topics=(lab.target,) if dsn else (), **settings,
        )  # fmt: skip
        self.settings = self.directory / "bridge.json"
        self.settings.write_bytes(msgspec.json.encode(own))
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        self.start_within(30.0)

    def start_within(self, seconds: float) -> None:
        self.ready.unlink(missing_ok=True)
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sync", "--settings", str(self.settings)],
                stderr=log, env=os.environ | {"ISTHMUS_TEST_WAREHOUSE": self._dsn},
            )  # fmt: skip
        wait_for(self._is_ready, "the bridge is ready", within_s=seconds)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self.log()
        return read_ready(self.ready) is not None

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def status(self) -> BridgeStatus:
        return msgspec.json.decode(call_control(self.control, "stats"), type=BridgeStatus)

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def wait(self) -> int:
        return self._process.wait(20)

    def terminate(self) -> int:
        self._process.terminate()
        return self._process.wait(20)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)
        self._scratch.cleanup()

    def logged(self, event: str) -> bool:
        return any(json.loads(line).get("event") == event for line in self.log().splitlines())
