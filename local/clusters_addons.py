"""The programs beside a control plane started and ended as the spec asks: metrics-server, Prometheus, pool scaler."""

import os
import shutil
import signal
from pathlib import Path
from typing import get_args

from contracts.cluster import ClusterSpec
from local.clusters_addon_plan import (
    Addon,
    Place,
    command,
    metrics_objects,
    prometheus_config,
    wanted,
)
from local.clusters_agents import CODE
from local.clusters_api import SERVER_SIDE_APPLY, Api, ApiError
from local.clusters_block import SiteNetwork
from local.clusters_kwok import NAME
from local.clusters_network import inside
from local.clusters_state import ClusterFiles
from local.state import write_whole
from runtime.processes import MARK, Launch, Process, end_processes, marked_processes, start_process

END_S = 5.0
NOT_FOUND = 404


class AddonError(Exception):
    """An add-on does not run: which, where its log is."""


class Addons:
    """The add-ons of one cluster."""

    def __init__(self, files: ClusterFiles, net: SiteNetwork, *, engines: Path) -> None:
        self._files, self._net = files, net
        self._place = Place(
            checkout=str(files.checkout),
            engines=str(engines),
            kubeconfig=str(files.kubeconfig),
            pki=str(files.kwok / "clusters" / NAME / "pki"),
            directory=str(files.site),
        )

    def ensure(self, spec: ClusterSpec, api: Api) -> None:
        """Exactly those that are asked for run. Raises `ApiError`, `OSError`."""
        asked, running = wanted(spec), self.running()
        unwanted = [process for name, process in running.items() if name not in asked]
        end_processes(unwanted, signum=signal.SIGTERM, grace_s=END_S)
        self._register_metrics(api, asked="metrics-server" in asked)
        if "prometheus" not in asked:
            shutil.rmtree(self._files.site / "prometheus", ignore_errors=True)
        for name in sorted(asked - running.keys()):
            self._start(name, spec)

    def check(self, spec: ClusterSpec) -> None:
        """See that none ended as soon as it was started. Raises `AddonError`."""
        for name in sorted(wanted(spec) - self.running().keys()):
            raise AddonError(
                f"{name} of {self._net.namespace} has ended; expected it to run. "
                f"fix: see the end of {self._files.logs / f'{name}.log'}, then apply again"
            )

    def running(self) -> dict[Addon, Process]:
        """Those that run, however they were started."""
        found: dict[Addon, Process] = {}
        for process in marked_processes(self._files.mark):
            name = _addon_of(process)
            if name:
                found[name] = process
        return found

    def _start(self, name: Addon, spec: ClusterSpec) -> None:
        if name == "prometheus":
            text = prometheus_config(spec, place=self._place, net=self._net)
            write_whole(self._files.site / "prometheus.yaml", text.encode())
        argv = command(name, spec, place=self._place, net=self._net)
        start_process(
            Launch(
                argv=argv if name == "scaler" else inside(self._net.namespace, *argv),
                environ={MARK: self._files.mark},
                cwd=str(CODE),
                log=str(self._files.logs / f"{name}.log"),
            )
        )

    @staticmethod
    def _register_metrics(api: Api, *, asked: bool) -> None:
        for path, body in metrics_objects():
            if asked:
                api.ask(
                    "PATCH", f"{path}?fieldManager=isthmus&force=true", body=body,
                    content=SERVER_SIDE_APPLY,
                )  # fmt: skip
                continue
            try:
                api.ask("DELETE", path)
            except ApiError as error:
                if error.status != NOT_FOUND:
                    raise


def _addon_of(process: Process) -> Addon | None:
    try:
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    if b"local.clusters_scaler" in words:
        return "scaler"
    program = os.path.basename(os.fsdecode(words[0]))  # noqa: PTH119 - a name, not a path to look at
    return next((name for name in get_args(Addon) if name == program), None)
