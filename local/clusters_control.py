"""The control plane of a site: made once by kwokctl, started again when it is down, judged by its own /readyz."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from local.clusters_api import Api, ApiError
from local.clusters_block import API_PORT, SiteNetwork
from local.clusters_kwok import (
    NAME,
    Credentials,
    create_command,
    figures_config,
    kubeconfig,
    kwokctl_config,
    start_command,
)
from local.clusters_network import inside
from local.clusters_state import ClusterFiles, Record
from local.state import write_whole
from runtime.processes import MARK, Process, end_processes, marked_processes

READY_S_MAX = 90.0
"""Four seconds on two idle cores; a loaded machine has taken ten times that."""
POLL_S = 0.1
PROGRAMS = {"etcd", "kube-apiserver", "kube-controller", "kube-scheduler", "kwok-controller"}
"""What /proc/PID/comm says, 15 letters at most; kwokctl gives its copies of the engines these names."""
ROUNDS_MAX = 20


class ControlError(Exception):
    """The control plane does not come up: what was seen, where the logs are, fix."""


class ControlPlane:
    """The control plane of one cluster, its programs taken from `engines` (a directory)."""

    def __init__(self, files: ClusterFiles, net: SiteNetwork, engines: Path) -> None:
        self._files, self._net, self._engines = files, net, engines
        self._home = files.kwok / "clusters" / NAME

    def ensure(self, record: Record) -> Record:
        """Have it ready; returns the record with `formed` set. Raises `ControlError`."""
        if record.formed and self._is_whole() and self.is_ready():
            return record
        # what a killed run left half started is not trusted: everything is started once, together
        self._end()
        if record.formed:
            self._start_again()
        else:
            self._make()
        self._await_ready()
        return Record(identifier=record.identifier, spec=record.spec, formed=True, slot=record.slot)

    def _is_whole(self) -> bool:
        """Whether every program runs: an API server is ready also without its controllers."""
        return {command_of(it) for it in marked_processes(self._files.mark)} >= PROGRAMS

    def _takes_pods(self) -> bool:
        """Ready, and its controllers have made what a pod needs: without an account it is refused."""
        try:
            with Api(self._files.kubeconfig) as api:
                api.ask("GET", "/readyz")
                api.ask("GET", "/api/v1/namespaces/default/serviceaccounts/default")
        except ApiError:
            return False
        return True

    def is_ready(self) -> bool:
        """Whether the API server answers, and as ours."""
        try:
            with Api(self._files.kubeconfig) as api:
                return api.is_ready()
        except ApiError:
            return False

    def _make(self) -> None:
        if self._files.kwok.exists():
            shutil.rmtree(self._files.kwok)
        self._files.kwok.mkdir(mode=0o700)
        config, figures = self._files.kwok / "kwokctl.yaml", self._files.kwok / "figures.yaml"
        write_whole(figures, figures_config().encode())
        text = kwokctl_config(self._net, pki=str(self._home / "pki"), figures=str(figures))
        write_whole(config, text.encode())
        own = str(self._files.kwok / "kubeconfig")
        self._kwokctl(create_command(str(self._engines), str(config), own))
        self._write_kubeconfig()

    def _start_again(self) -> None:
        for path in (self._home / "pids").glob("*.pid"):
            path.unlink()  # the number may be somebody else's by now
        self._kwokctl(start_command(str(self._engines)))
        self._write_kubeconfig()

    def _kwokctl(self, command: tuple[str, ...]) -> None:
        """Run it; its exit code says nothing: it is 0 also when nothing came up."""
        environ = {
            **os.environ,
            MARK: self._files.mark,
            "KWOK_WORKDIR": str(self._files.kwok),
            # it looks for kubectl on PATH, and would download one
            "PATH": f"{self._engines}:{os.environ.get('PATH', os.defpath)}",
        }
        with (self._files.logs / "kwokctl.log").open("ab") as log:
            try:
                subprocess.run(
                    inside(self._net.namespace, *command),
                    check=False, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ,
                    cwd=self._files.site, timeout=READY_S_MAX,
                )  # fmt: skip
            except subprocess.TimeoutExpired as error:
                raise ControlError(self._said("kwokctl is still at it")) from error

    def _write_kubeconfig(self) -> None:
        pki = self._home / "pki"
        try:
            credentials = Credentials(
                authority=(pki / "ca.crt").read_bytes(),
                certificate=(pki / "admin.crt").read_bytes(),
                key=(pki / "admin.key").read_bytes(),
            )
        except OSError as error:
            raise ControlError(self._said(f"no certificates were made ({error})")) from error
        text = kubeconfig(
            f"{self._files.environment.name}-{self._files.site.name}",
            endpoint(self._net),
            credentials=credentials,
        )
        write_whole(self._files.kubeconfig, text.encode())

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_S_MAX
        while not self._takes_pods():
            if time.monotonic() > deadline:
                raise ControlError(self._said("its API server is not ready"))
            time.sleep(POLL_S)

    def _said(self, what: str) -> str:
        return (
            f"cluster {self._net.namespace}: {what} after {READY_S_MAX:g} s; expected a ready API server at "
            f"{endpoint(self._net)}. fix: see {self._home / 'logs'} and {self._files.logs / 'kwokctl.log'}, "
            "then apply again"
        )

    def _end(self) -> None:
        """End every program; again and again, as a kwokctl that is ended may have started one meanwhile."""
        for _ in range(ROUNDS_MAX):
            left = control_processes(marked_processes(self._files.mark))
            if not left:
                return
            end_processes(left, signum=signal.SIGKILL, grace_s=10)
        raise ControlError(self._said("programs of an earlier run do not end"))


def control_processes(processes: Iterable[Process]) -> list[Process]:
    """Those that are part of a control plane; agents and add-ons are not."""
    return [it for it in processes if command_of(it) in {*PROGRAMS, "kwokctl"}]


def command_of(process: Process) -> str:
    """The name the kernel has of it; empty when it is gone."""
    try:
        return Path(f"/proc/{process.pid}/comm").read_text().strip()
    except OSError:
        return ""


def endpoint(net: SiteNetwork) -> str:
    """The API server's URL as the kubeconfig names it."""
    return f"https://{net.management}:{API_PORT}"
