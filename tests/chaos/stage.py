"""A small real cloud for fault tests: ad nodes, a relay in front of a broker stand-in, an orders control."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from chaos.cloud import Cloud
from chaos.processes import find_running, start_again
from contracts.cloud import CloudState, ProcessRecord, Role
from local.relay_settings import RelayListener, RelaySettings
from runtime.processes import is_running, signal_process, start_ticks
from runtime.ready import read_ready

ROOT = Path(__file__).parents[2]
HOST = "127.0.6.1"


def eventually(condition: Callable[[], object], *, within_s: float = 15.0) -> None:
    """Poll until `condition` holds; fails after the deadline."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s"
        time.sleep(0.005)


def state_of(process: ProcessRecord) -> str:
    """The kernel's letter for it: S sleeping, T stopped."""
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text()
    except OSError:
        return "gone"
    return stat.rpartition(")")[2].split()[0]


def answering() -> socket.socket:
    """A listener that answers eight bytes to whatever is sent, as any broker would to a probe."""
    server = socket.create_server((HOST, 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = server.accept()
                with peer, contextlib.suppress(OSError):
                    peer.settimeout(2)
                    if peer.recv(64):
                        peer.sendall(b"\0" * 8)

    threading.Thread(target=serve, daemon=True).start()
    return server


class Stage:
    """Starts processes, keeps the state file, and ends every process it or a healer started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "state.json"
        self.cloud = Cloud(self.path)
        self._endpoints: dict[str, str] = {}
        self._records: list[ProcessRecord] = []
        self._waits: list[Callable[[], object]] = []

    def start(self, name: str, role: Role, argv: tuple[str, ...]) -> ProcessRecord:
        record = ProcessRecord(
            name=name,
            role=role,
            site="private" if role in {"bridge", "orders"} else "public",
            pid=0,
            start_ticks=0,
            argv=(sys.executable, *argv),
            environ={"ISTHMUS_TEST": "1", "PYTHONPATH": str(ROOT)},
            cwd=str(ROOT),
            log=str(self.root / "log"),
            ready=str(self.root / f"{name}.ready"),
        )
        process = start_again(record, record.argv)
        record = msgspec.structs.replace(record, pid=process.pid, start_ticks=process.start_ticks)
        self._records.append(record)
        return record

    def node(self, name: str, *more: str, role: Role = "ads") -> ProcessRecord:
        script = str(ROOT / "tests/chaos/node.py")
        ready = str(self.root / f"{name}.ready")
        record = self.start(
            name, role, ("-S", script, "--listen", f"{HOST}:0", "--ready", ready, *more)
        )
        self._waits.append(lambda: read_ready(Path(ready)) is not None)
        return record

    def relay(self, target: str) -> None:
        control, ready = self.root / "relay.sock", self.root / "relay-link.ready"
        settings = RelaySettings(
            name="relay-link",
            source=HOST,
            control=str(control),
            ready=str(ready),
            beacons=str(self.root / "beacons"),
            listeners=(RelayListener(name="kafka", listen=f"{HOST}:0", target=target),),
        )
        path = self.root / "relay.json"
        path.write_bytes(msgspec.json.encode(settings))
        self.start("relay-link", "relay", ("-m", "local.relay", "--settings", str(path)))
        self._waits.append(lambda: read_ready(ready) is not None)
        self._endpoints["link.control"] = str(control)

    def orders(self, *more: str) -> None:
        control = self.root / "orders.sock"
        script = str(ROOT / "tests/chaos/orders.py")
        self.start("orders-1", "orders", (script, "--control", str(control), *more))
        self._waits.append(control.exists)
        self._endpoints["orders.control"] = str(control)

    def endpoint(self, name: str, address: str) -> None:
        self._endpoints[name] = address

    def save(self, *, owner_pid: int = 0, keep: bool = False, policy: str = "") -> None:
        """Wait for what was started, then write the state file."""
        while self._waits:
            eventually(self._waits.pop())
        relay = read_ready(self.root / "relay-link.ready")
        if relay is not None:
            self._endpoints.setdefault("kafka.public.link", relay.addresses["kafka"])
        owner = owner_pid or os.getpid()
        state = CloudState(
            id="stage",
            root=str(self.root),
            temporary=str(self.root),
            owner_pid=owner,
            owner_start_ticks=start_ticks(owner) or 1,
            keep=keep,
            policy=policy,
            topology="",
            endpoints=self._endpoints,
            processes=tuple(self._records),
        )
        self.path.write_bytes(msgspec.json.encode(state))

    def all_run(self) -> bool:
        """Whether every process on record runs and has said that it is ready."""
        return all(
            is_running(it.pid, it.start_ticks)
            and (it.role in {"orders", "relay"} or read_ready(Path(it.ready)).pid == it.pid)
            for it in self.cloud.state().processes
        )

    def end(self) -> None:
        records = self._records + list(self.cloud.state().processes if self.path.exists() else ())
        for record in records:
            signal_process(record.pid, record.start_ticks, signal.SIGKILL)
        for record in records:
            eventually(lambda record=record: not is_running(record.pid, record.start_ticks))
        for record in records:
            assert find_running(record.argv) is None, f"{record.name} was started twice"


@contextlib.contextmanager
def stage(root: Path) -> Iterator[Stage]:
    built = Stage(root)
    try:
        yield built
    finally:
        built.end()
