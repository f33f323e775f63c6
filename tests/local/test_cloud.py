"""The cloud as a whole, for real: served, closed to outsiders, changed, and gone."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from contracts.cloud import CloudState
from local.cloud import CloudUsageError, down, hold, reap, respawn, status, up
from local.plan import CloudOptions
from local.state import CloudFiles
from runtime.processes import Process, is_alive, marked_processes, signal_process

pytestmark = [pytest.mark.engines, pytest.mark.cloud]
LIMIT_S = 60


def state_of(root: Path) -> CloudState:
    found = status(root)
    assert found is not None
    return found.state


def get(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            return answer.status, answer.headers["Isthmus-Served-By"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_both_doors_serve(cloud_root: Path) -> None:
    """Ads come from public nodes through either door; the edge refuses what is not public."""
    ends = state_of(cloud_root).endpoints
    for door in ("core", "edge"):
        code, served_by = get(ends[door], "/ads?slot=1")
        assert code == 200
        assert served_by.startswith("public/ad-")
    assert get(ends["edge"], "/profiles/1")[0] == 421


def addresses_of_public_processes(root: Path) -> dict[str, tuple[str, int]]:
    """Where public processes listen themselves, not the relays."""
    files = CloudFiles(root)
    standing = files.read_standing()
    assert standing is not None
    names = [name for name in standing.ground.ports if name.startswith(("ad-", "clicks-public", "kafka-public/"))]  # fmt: skip
    return {
        name: (standing.ground.address(name).rpartition(":")[0], standing.ground.ports[name])
        for name in names
    }


@pytest.mark.parametrize("source", ["127.0.2.77", "127.0.0.1"])
def test_an_outsider_gets_no_byte_from_a_public_process(cloud_root: Path, source: str) -> None:
    """From outside the public network every public process closes at once: no way around the taps."""
    for name, address in addresses_of_public_processes(cloud_root).items():
        with socket.create_connection(address, timeout=10, source_address=(source, 0)) as peer:
            peer.settimeout(10)
            try:
                peer.sendall(b"GET /ads?slot=1 HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = peer.recv(1)
            except ConnectionError:
                answer = b""
            assert answer == b"", name


def test_a_kafka_client_inside_the_public_network_must_take_the_relay(cloud_root: Path) -> None:
    """Going straight to the broker fails; by the relay the same client is served."""
    straight = addresses_of_public_processes(cloud_root)["kafka-public/local"]
    admin = AdminClient({"bootstrap.servers": f"{straight[0]}:{straight[1]}", "log_level": 0})
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=2)
    relayed = AdminClient({"bootstrap.servers": state_of(cloud_root).endpoints["kafka.public"]})
    assert "clicks" in relayed.list_topics(timeout=10).topics


def test_no_process_listens_outside_its_network(cloud_root: Path) -> None:
    """Every listening socket of the cloud is in 127.0.1.0/24 or 127.0.2.0/24."""
    pids = {record.pid for record in state_of(cloud_root).processes}
    inodes = {inode for pid in pids for inode in socket_inodes(pid)}
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[9] in inodes
    ]
    assert listening
    hosts = {bytes.fromhex(it.partition(":")[0][-8:])[::-1] for it in listening}
    assert {host[:3] for host in hosts} <= {bytes((127, 0, 1)), bytes((127, 0, 2))}


def socket_inodes(pid: int) -> set[str]:
    links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def test_a_second_up_is_refused_and_changes_nothing(cloud_root: Path) -> None:
    """What, where, expected, fix; the first goes on."""
    before = state_of(cloud_root)
    with pytest.raises(
        CloudUsageError, match=r"state\.json: a cloud is already up.*fix: isthmus status"
    ):
        up(cloud_root, CloudOptions())
    assert state_of(cloud_root) == before
    assert get(before.endpoints["core"], "/ads?slot=1")[0] == 200


def test_a_dead_node_is_seen_and_comes_back_where_it_was(cloud_root: Path) -> None:
    """`status` names it; `respawn` starts it under its old address."""
    state = state_of(cloud_root)
    node = next(it for it in state.processes if it.name == "ad-4")
    process = Process(pid=node.pid, start_ticks=node.start_ticks)
    signal_process(process.pid, process.start_ticks, signal.SIGKILL)
    until(lambda: not is_alive(process))
    found = status(cloud_root)
    assert found is not None
    assert found.dead == ("ad-4",)
    again = next(it for it in respawn(cloud_root, "ad-4").processes if it.name == "ad-4")
    assert again.argv == node.argv
    assert again.pid != node.pid
    found = status(cloud_root)
    assert found is not None
    assert found.dead == ()
    with pytest.raises(CloudUsageError, match=r"expected one of.*ad-4"):
        respawn(cloud_root, "kafka-public")


def test_holding_it_without_a_mechanism_restarts_only_that(cloud_root: Path) -> None:
    """Only the orders service differs, and the cloud is whole and serving meanwhile."""
    with hold(cloud_root, CloudOptions()) as state:
        before = {it.name: it.pid for it in state.processes}
    with hold(cloud_root, CloudOptions(without=frozenset({"idempotency"}))) as state:
        changed = {it.name for it in state.processes if before[it.name] != it.pid}
        assert changed == {"orders-1"}
        assert (
            "--without-idempotency"
            in next(it for it in state.processes if it.name == "orders-1").argv
        )
        assert get(state.endpoints["core"], "/ads?slot=1")[0] == 200
    with hold(cloud_root, CloudOptions()) as state:
        assert (
            "--without-idempotency"
            not in next(it for it in state.processes if it.name == "orders-1").argv
        )


@contextmanager
def kept(root: Path) -> Generator[None]:
    """The session's cloud as one that `up local` has left running."""
    files = CloudFiles(root)
    for keep in (True, False):
        state = files.read_state()
        assert state is not None
        files.write_state(msgspec.structs.replace(state, keep=keep))
        if keep:
            yield


HOLDER = """
import sys
from pathlib import Path
from local.cloud import hold
from local.plan import CloudOptions
with hold(Path(sys.argv[1]), CloudOptions(without=frozenset({"idempotency"}))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_cloud_is_held_by_one_command_at_a_time(cloud_root: Path) -> None:
    """The second is told who holds it, and changes nothing."""
    with kept(cloud_root), in_another_process(HOLDER, cloud_root) as holder:
        until(lambda: holder.stdout is not None and holder.stdout.readline().strip() == "held")
        before = state_of(cloud_root)
        with (
            pytest.raises(
                CloudUsageError, match=rf"run\.lock: held by process {holder.pid} .*fix:"
            ),
            hold(cloud_root, CloudOptions()),
        ):
            pytest.fail("held twice")
        assert state_of(cloud_root) == before
        found = status(cloud_root)
        assert found is not None
        assert (found.without, found.left_by) == (("idempotency",), None)
        holder.communicate()
    found = status(cloud_root)
    assert found is not None
    assert (found.without, found.dead) == ((), ())


def test_what_a_killed_command_switched_off_is_told_and_then_on_again(cloud_root: Path) -> None:
    """A negative control that dies half-way: `status` says who it was, the next command undoes it."""
    with kept(cloud_root), in_another_process(HOLDER, cloud_root) as holder:
        until(lambda: holder.stdout is not None and holder.stdout.readline().strip() == "held")
        assert CloudFiles(cloud_root).read_standing().without == ("idempotency",)  # type: ignore[union-attr]
        holder.kill()
        holder.wait()
        found = status(cloud_root)
        assert found is not None
        assert (found.without, found.left_by) == (("idempotency",), holder.pid)
        assert reap(cloud_root)
        assert not reap(cloud_root)
        found = status(cloud_root)
    assert found is not None
    assert (found.without, found.dead, found.left_by) == ((), (), None)
    orders = next(it for it in found.state.processes if it.name == "orders-1")
    assert "--without-idempotency" not in orders.argv


def test_a_taken_port_is_refused_before_anything_starts(checkout: Path) -> None:
    """A port the user named is not silently replaced; nothing is half-started."""
    with socket.create_server(("127.0.2.30", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(
            CloudUsageError, match=rf"--core-port {port}: 127\.0\.2\.30:{port} is taken"
        ):
            up(checkout, CloudOptions(core_port=port))
    assert not (checkout / ".isthmus" / "cloud").exists()


OWNER = """
import sys
from pathlib import Path
from local.cloud import up
from local.plan import CloudOptions
up(Path(sys.argv[1]), CloudOptions(), lambda text: print(text, flush=True))
print("up", flush=True)
sys.stdin.read()
"""


def in_another_process(code: str, root: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root)], cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("moment", ["first process", "up"])
def test_after_sigkill_of_its_owner_the_next_command_removes_everything(
    checkout: Path, moment: str
) -> None:
    """Killed while starting or while running: no process, no temporary directory, no state is left."""
    mark = str(checkout / ".isthmus" / "cloud")
    with in_another_process(OWNER, checkout) as owner:
        assert owner.stdout is not None
        if moment == "up":
            until(lambda: owner.stdout is not None and owner.stdout.readline().strip() == "up")
            # a second cloud beside the session's: they do not collide
            assert get(state_of(checkout).endpoints["core"], "/ads?slot=1")[0] == 200
        else:
            until(lambda: len(marked_processes(mark)) > 2)
        owner.kill()
    temporary = json.loads((checkout / ".isthmus/cloud/state.json").read_bytes())["temporary"]
    assert Path(temporary).is_dir()
    assert reap(checkout)
    assert marked_processes(mark) == []
    assert not Path(temporary).exists()
    assert status(checkout) is None
    assert not down(checkout)
