"""The faults of one run: each taken by lease, injected, looked at from outside, written to the journal.

    with contextlib.closing(open_faults(run, state, seed=7)) as faults:
        faults.node_kill(share=0.3)
        cut = faults.link_cut()
        ...
        cut.heal()

What is still in force at `close` is healed there; what the runner cannot heal any more, the watchdog does.
The four faults of the demo stand here, those of other places in `chaos.inject`; all go through `put`.
"""

import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from chaos.clock import Clock, SystemClock
from chaos.cloud import Cloud, http_address
from chaos.decide import Refusal, choose_victims
from chaos.journal import Journal
from chaos.leases import Leases
from chaos.lifecycle import (
    Fault,
    FaultError,
    Lifecycle,
    NotHealedError,
    Prove,
    fault_errors,
    fault_record,
)
from chaos.offsets import Watermarks
from chaos.probes import broker_answers, port_refuses
from chaos.stop_and_look import Attempt
from contracts.cloud import ProcessRecord
from contracts.control import Scalar
from contracts.fault import FaultKind, FaultRecord, Lease
from contracts.orders import OrdersStats
from runtime.control import call_control
from runtime.processes import is_running, signal_process

__all__ = ["Fault", "FaultError", "Faults", "NotHealedError", "open_faults"]

TTL_S: Final = 900.0
"""Longest a fault stays without its runner saying otherwise; longer runs name their own."""

GONE_S_MAX = 2.0
ANSWER_S_MAX = 2.0
"""A broker behind a healthy link answers in milliseconds, right after a heal within a second."""

SILENCE_S = 0.4
"""How long a cut link must stay silent to count as cut: far beyond any answer, short beside any cut."""

POLL_S = 0.002
SEEDS = 1 << 31


class Faults:
    """The faults of one run on one cloud; `rng` decides whatever is not given a seed of its own."""

    def __init__(
        self, lifecycle: Lifecycle, cloud: Cloud, *, rng: random.Random, clock: Clock
    ) -> None:
        self.cloud = cloud
        self.clock = clock
        self._lifecycle = lifecycle
        self._rng = rng
        self._faults: list[Fault] = []

    def records(self) -> tuple[FaultRecord, ...]:
        """What is known of each fault now, in order of injection."""
        return tuple(fault.record for fault in self._faults)

    def close(self) -> None:
        """Heal what is left, newest first, and see the watchdog end. Raises `NotHealedError`."""
        failed: list[str] = []
        try:
            self.heal_all()
        except NotHealedError as error:
            failed.append(str(error))
        try:
            self._lifecycle.close()
        except NotHealedError as error:
            failed.append(str(error))
        if failed:
            raise NotHealedError("; ".join(failed))

    def _keep(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault

    def seed(self, given: int | None) -> int:
        """The seed given, or one drawn from the run's own, so that the run's seed repeats it."""
        return self._rng.randrange(SEEDS) if given is None else given

    def put(
        self,
        lease: Lease,
        inject: Callable[[Lease], FaultRecord],
        prove: Prove | None = None,
    ) -> Fault:
        """Inject under a lease of `take` and keep the fault for `close`. Raises `FaultError`."""
        return self._keep(self._lifecycle.inject(lease, lambda: inject(lease), prove))

    def take(
        self, kind: FaultKind, targets: tuple[str, ...], *, ttl_s: float, **params: Scalar
    ) -> Lease:
        """A lease on disk and a watchdog at work: what goes before every injection. Raises `FaultError`."""
        with fault_errors(kind):
            return self._lifecycle.take(kind, targets, ttl_s=ttl_s, **params)

    def heal_all(self) -> tuple[FaultRecord, ...]:
        """Heal what is in force, newest first, and go on; returns the healed. Raises `NotHealedError`."""
        open_ones = [fault for fault in reversed(self._faults) if not fault.record.healed_mono_ns]
        failed: list[str] = []
        for fault in open_ones:
            try:
                fault.heal()
            except FaultError as error:
                failed.append(str(error))
        try:
            self._lifecycle.heal_orphans({fault.lease.id for fault in self._faults})
        except FaultError as error:
            failed.append(str(error))
        if failed:
            raise NotHealedError("; ".join(failed))
        return tuple(fault.record for fault in open_ones)

    def node_kill(
        self,
        *,
        share: float = 0.3,
        seed: int | None = None,
        healthy_min: int = 1,
        ttl_s: float = TTL_S,
    ) -> Fault:
        """SIGKILL a random `share` of the public ad nodes that run; `heal` starts them again in place.

        Raises `FaultError` when there is no target or fewer than `healthy_min` would be left.
        """
        chosen_by = self.seed(seed)
        with fault_errors("node_kill"):
            nodes = {
                node.name: node for node in self.cloud.processes("ads", "public") if _runs(node)
            }
        choice = choose_victims(tuple(nodes), share=share, seed=chosen_by, healthy_min=healthy_min)
        if isinstance(choice, Refusal):
            raise FaultError(f"node_kill: {choice.reason}")
        victims = tuple(nodes[name] for name in choice.names)
        with fault_errors("node_kill"):
            lease = self._lifecycle.take(
                "node_kill", choice.names, ttl_s=ttl_s, share=share, seed=chosen_by
            )
        return self._keep(
            self._lifecycle.inject(lease, lambda: self._kill(lease, victims, of=len(nodes)))
        )

    def _kill(self, lease: Lease, victims: tuple[ProcessRecord, ...], *, of: int) -> FaultRecord:
        addresses = {victim.name: http_address(victim) for victim in victims}
        at_mono_ns = self.clock.mono_ns()
        for victim in victims:
            signal_process(victim.pid, victim.start_ticks, signal.SIGKILL)
        deadline_ns = at_mono_ns + int(GONE_S_MAX * 1e9)
        left = victims
        while left and self.clock.mono_ns() < deadline_ns:
            left = tuple(v for v in left if _runs(v) or not _refuses(addresses[v.name]))
            if left:
                self.clock.sleep(POLL_S)
        gone = f"{len(victims) - len(left)} of {of} ad nodes killed, process gone and port refusing"
        proof = f"{gone}: {', '.join(victim.name for victim in victims)}"
        return fault_record(lease, at_mono_ns, proven=not left, proof=proof)

    def link_cut(
        self,
        *,
        relay: str = "link.control",
        through: str = "kafka.public.link",
        ttl_s: float = TTL_S,
    ) -> Fault:
        """Black-hole the link whose relay has control endpoint `relay`, both ways, until healed.

        Proven by the broker behind it (endpoint `through`): it answers before, not during, and again after.
        """
        with fault_errors("link_cut"):
            control = Path(self.cloud.endpoint(relay))
            address = self.cloud.endpoint(through)
            if not broker_answers(address, timeout_s=ANSWER_S_MAX):
                raise FaultError(f"link_cut: {address}: expected an answer before the cut")
            lease = self._lifecycle.take("link_cut", (str(control),), ttl_s=ttl_s)

        def inject() -> FaultRecord:
            at_mono_ns = self.clock.mono_ns()
            call_control(control, "cut")
            silent = not broker_answers(address, timeout_s=SILENCE_S)
            proof = f"answered before, {'silent' if silent else 'STILL ANSWERING'} when cut"
            return fault_record(lease, at_mono_ns, proven=silent, proof=proof)

        def prove(record: FaultRecord) -> tuple[bool, str]:
            if not broker_answers(address, timeout_s=ANSWER_S_MAX):
                raise NotHealedError(f"link_cut: {address}: expected an answer after the heal")
            return record.proven, "answers again"

        return self._keep(self._lifecycle.inject(lease, inject, prove))

    def bridge_kill(
        self,
        *,
        transactional: bool = True,
        broker: str = "kafka.private",
        deadline_s: float = 8.0,
        ttl_s: float = TTL_S,
    ) -> Fault:
        """SIGKILL the bridge inside an open transaction; `heal` starts it again and waits until it serves.

        `transactional=False` is for the at-least-once control: killed between records and progress.
        Raises `FaultError` when the moment does not come within `deadline_s`.
        """
        with fault_errors("bridge_kill"):
            bridges = tuple(b for b in self.cloud.processes("bridge") if _runs(b))
            if len(bridges) != 1:
                raise FaultError(f"bridge_kill: expected one running bridge, found {len(bridges)}")
            watermarks = Watermarks(self.cloud.endpoint(broker))
            watermarks.refresh()
            lease = self._lifecycle.take(
                "bridge_kill", (bridges[0].name,), ttl_s=ttl_s, transactional=transactional
            )
        attempt = Attempt(bridges[0], watermarks, clock=self.clock, rng=self._rng)

        def inject() -> FaultRecord:
            kill = (
                attempt.in_transaction(deadline_s=deadline_s)
                if transactional
                else attempt.between_record_and_progress(deadline_s=deadline_s)
            )
            if not kill.killed:
                raise FaultError(f"bridge_kill: {kill.proof}")
            return fault_record(lease, kill.at_mono_ns, proven=kill.proven, proof=kill.proof)

        return self._keep(self._lifecycle.inject(lease, inject))

    def response_drop(
        self,
        *,
        share: float = 0.02,
        attempts: int = 1,
        seed: int | None = None,
        orders: str = "orders.control",
        ttl_s: float = TTL_S,
    ) -> Fault:
        """Lose the answers to the first `attempts` requests of a seeded `share` of order keys, after commit.

        Proven when healed, by the service's own count: before that no order need have come.
        """
        chosen_by = self.seed(seed)
        with fault_errors("response_drop"):
            control = Path(self.cloud.endpoint(orders))
            lease = self._lifecycle.take(
                "response_drop", (str(control),), ttl_s=ttl_s, share=share, seed=chosen_by
            )

        def inject() -> FaultRecord:
            at_mono_ns = self.clock.mono_ns()
            call_control(control, "drop_responses", share=share, seed=chosen_by, attempts=attempts)
            return fault_record(lease, at_mono_ns, proven=False, proof=f"armed, seed {chosen_by}")

        def prove(_record: FaultRecord) -> tuple[bool, str]:
            stats = msgspec.json.decode(call_control(control, "stats"), type=OrdersStats)
            return stats.dropped > 0, f"{stats.dropped} answers dropped after commit"

        return self._keep(self._lifecycle.inject(lease, inject, prove))


def open_faults(run: Path, cloud: Path, *, seed: int) -> Faults:
    """Faults for one run on this machine: leases in `run/leases`, the journal in `run/faults.ndjson`.

    `cloud` is the state file. Close it: `contextlib.closing`.
    """
    clock = SystemClock()
    run.mkdir(parents=True, exist_ok=True)
    lifecycle = Lifecycle(
        Leases(run / "leases"), Journal(run / "faults.ndjson"), cloud=cloud.resolve(), clock=clock
    )
    return Faults(lifecycle, Cloud(cloud.resolve()), rng=random.Random(seed), clock=clock)


def _runs(process: ProcessRecord) -> bool:
    return is_running(process.pid, process.start_ticks)


def _refuses(address: str) -> bool:
    return bool(address) and port_refuses(address, timeout_s=0.2)
