"""What breaks in a run on clusters: ad nodes die, the site link is cut; each proven by what it did."""

import contextlib
import math
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator

from cli.demo_clusters import Ground, workload_of
from cli.demo_options import NODE_SHARE
from cli.demo_place import FactError
from cli.demo_sources import poll
from cli.demo_traffic import Traffic
from contracts.fault import FaultKind, FaultRecord
from contracts.load import LoadSummary
from infra.names import PORT_HTTP
from local import site_faults
from local.agent_objects import Pod
from local.clusters_network import inside
from local.clusters_stores import kafka_address
from local.site_rules import LinkFault

Say = Callable[[str], None]

FAULTS: tuple[FaultKind, ...] = ("node_kill", "link_cut")
"""What every run must have seen take effect."""
KILL_AT, CUT_AT, HEAL_AT = 1 / 6, 1 / 3, 2 / 3
"""Fractions of the run: 30 s of partition in 90 s."""
HEALS_ITSELF_S = 30
"""How long after its time the kernel ends a cut, should we be gone by then."""
ANSWER_S = 0.5
PROOF_S = 5.0
ATTEMPT_S_MAX = 10.0
"""Starting an interpreter in a namespace, on a machine that is busy."""


class Breaking:
    """The faults of one run on the clusters of an environment."""

    def __init__(self, ground: Ground, *, duration_s: float, seed: int, say: Say) -> None:
        self._ground, self._say = ground, say
        self._duration_s, self._seed = duration_s, seed
        self._faults = site_faults.Ground(ground.root, ground.environment)

    def run(self, traffic: Traffic) -> tuple[tuple[FaultRecord, ...], LoadSummary]:
        """Inject and heal every fault while `traffic` runs to its end. Raises `FaultError`, `TrafficError`.

        Dead nodes come back when the traffic is over; the link is healed at its own time, and on any way out.
        """
        traffic.wait_until(self._duration_s * KILL_AT)
        with self._dead_nodes() as (targets, said, killed_ns):
            traffic.wait_until(self._duration_s * CUT_AT)
            with self._cut_link() as (cut_ns, proof):
                traffic.wait_until(self._duration_s * HEAL_AT)
            healed_ns = time.monotonic_ns()
            self._say("site link healed")
            summary = traffic.finish()
        records = (
            _record("node_kill", targets, said, times_ns=(killed_ns, time.monotonic_ns())),
            _record("link_cut", ("site",), proof, times_ns=(cut_ns, healed_ns)),
        )
        return records, summary

    @contextlib.contextmanager
    def _dead_nodes(self) -> Generator[tuple[tuple[str, ...], str, int]]:
        """Nodes dead for the time of the block: which, how one knows (or nothing), since when."""
        ads = tuple(it for it in self._ground.pods("public") if workload_of(it) == "ads")
        targets = drawn(tuple({it.spec.node_name for it in ads}), self._seed)
        dead = tuple(it for it in ads if it.spec.node_name in targets)
        injected_ns = time.monotonic_ns()
        try:
            site_faults.fault_nodes(
                self._faults, "kill-nodes", site="public", names=targets, lost=False
            )
            self._say(f"[bold]killed {len(targets)} ad nodes[/] ({', '.join(targets)})")
            silent = poll(lambda: not any(_answers(it) for it in dead), within_s=PROOF_S)
            said = f"none of their {len(dead)} pods takes a connection" if silent else ""
            yield targets, said, injected_ns
        finally:
            site_faults.fault_nodes(
                self._faults, "start-nodes", site="public", names=targets, lost=False
            )
            self._say("dead nodes are started again")

    @contextlib.contextmanager
    def _cut_link(self) -> Generator[tuple[int, str]]:
        """The link cut for the time of the block: since when; how one knows, or nothing."""
        block = self._ground.block
        private, broker = block.site("private").namespace, kafka_address(block.site("public"))
        if not _crosses(private, broker):
            raise FactError(
                f"{broker}: not reached over the site link before the cut; expected it whole"
            )
        length_s = self._duration_s * (HEAL_AT - CUT_AT)
        cut_ns = time.monotonic_ns()
        try:
            cut = LinkFault(kind="cut", left_s=int(length_s) + HEALS_ITSELF_S)
            site_faults.fault_link(self._faults, cut, "both")
            self._say(f"[bold]site link cut[/] both ways for {length_s:.0f} s")
            crosses = _crosses(private, broker)
            yield cut_ns, "" if crosses else "no connection crosses the site link"
        finally:
            site_faults.heal(self._faults)


def drawn(nodes: tuple[str, ...], seed: int) -> tuple[str, ...]:
    """The nodes that die: 30 %, at least one."""
    count = max(1, math.floor(len(nodes) * NODE_SHARE))
    return tuple(sorted(random.Random(seed).sample(sorted(nodes), count)))


def _record(
    kind: FaultKind, targets: tuple[str, ...], proof: str, *, times_ns: tuple[int, int]
) -> FaultRecord:
    return FaultRecord(
        id=kind, kind=kind, targets=targets, injected_mono_ns=times_ns[0],
        healed_mono_ns=times_ns[1], proven=bool(proof), proof=proof,
    )  # fmt: skip


def _answers(pod: Pod) -> bool:
    try:
        socket.create_connection((pod.status.pod_ip, PORT_HTTP), ANSWER_S).close()
    except OSError:
        return False
    return True


def _crosses(namespace: str, address: str) -> bool:
    """Whether a connection from a site's namespace to `address` comes about."""
    host, _, port = address.rpartition(":")
    code = f"import socket; socket.create_connection(({host!r}, {port}), {ANSWER_S})"
    done = subprocess.run(
        inside(namespace, sys.executable, "-S", "-c", code), check=False, capture_output=True,
        timeout=ATTEMPT_S_MAX,
    )  # fmt: skip
    return done.returncode == 0
