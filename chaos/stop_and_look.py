"""Kill a bridge at the worst moment, seen from outside: inside a transaction, or between record and progress.

The bridge is stopped (SIGSTOP), its target broker is asked, and only when the answer is the one wanted is it
killed. A stopped process can finish nothing, so what was seen is still true when it dies.
"""

import random
import signal
from collections.abc import Callable
from typing import Protocol

import msgspec

from chaos.clock import Clock
from chaos.decide import (
    Advance,
    Offsets,
    Partition,
    advance_of,
    between_records_and_progress,
    open_transactions,
)
from contracts.cloud import ProcessRecord
from runtime.processes import is_running, signal_process

SETTLE_S = 0.02
"""What was on its way when the process stopped has arrived by then: loopback and relays take 1 to 2 ms."""

OUTLAST_S = 0.15
"""A commit is answered before its markers are written. After the kill this long must not end the transaction:
markers take milliseconds, on a busy machine tens, while the broker itself gives up only after 10 s."""

JITTER_S_MAX = 0.015
"""Tries come at random times, or they would beat against the bridge's own cycle."""

GONE_S_MAX = 5.0
POLL_S = 0.002


class Broker(Protocol):
    """Reads both ends of every partition."""

    def read(self) -> Offsets:
        """The ends now."""
        ...


class Kill(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; `killed` false means the moment did not come before the deadline."""

    killed: bool
    proven: bool
    at_mono_ns: int
    proof: str


class Attempt:
    """One kill of one process, tried until the moment is right."""

    def __init__(
        self, target: ProcessRecord, broker: Broker, *, clock: Clock, rng: random.Random
    ) -> None:
        self._target = target
        self._broker = broker
        self._clock = clock
        self._rng = rng
        self._tries = 0

    def in_transaction(self, *, deadline_s: float) -> Kill:
        """Kill while a transaction is open on the broker."""
        before = self._broker.read()

        def look() -> Kill | None:
            if not open_transactions(before, self._broker.read()):
                return None
            return self._stopped(lambda: self._still_open(before))

        return self._until(look, deadline_s)

    def between_record_and_progress(self, *, deadline_s: float) -> Kill:
        """Kill an at-least-once bridge after it wrote records it has not noted as done."""
        at_progress = [advance_of(self._broker.read())]

        def look() -> Kill | None:
            now = advance_of(self._broker.read())
            if not between_records_and_progress(at_progress[0], now):
                at_progress[0] = now
                return None
            return self._stopped(lambda: self._still_between(at_progress[0]))

        return self._until(look, deadline_s)

    def _until(self, look: Callable[[], Kill | None], deadline_s: float) -> Kill:
        deadline_ns = self._clock.mono_ns() + int(deadline_s * 1e9)
        while self._clock.mono_ns() < deadline_ns:
            if not self._lives():
                return self._missed("it was gone before it could be killed")
            if kill := look():
                return kill
            self._clock.sleep(self._rng.uniform(0, JITTER_S_MAX))
        return self._missed(f"the moment did not come in {deadline_s:g} s, {self._tries} stops")

    def _missed(self, why: str) -> Kill:
        return Kill(killed=False, proven=False, at_mono_ns=self._clock.mono_ns(), proof=why)

    def _stopped(self, look: Callable[[], str]) -> Kill | None:
        """Stop, look twice, then kill or let go; the process never stays stopped, whatever is raised."""
        self._tries += 1
        self._signal(signal.SIGSTOP)
        try:
            self._clock.sleep(SETTLE_S)
            first = look()
            self._clock.sleep(SETTLE_S)
            # Seen twice: a transaction whose commit was on its way would have ended meanwhile.
            if not first or look() != first:
                return None
            at_mono_ns = self._clock.mono_ns()
            self._signal(signal.SIGKILL)
        finally:
            self._signal(signal.SIGCONT)
        gone = self._wait_gone()
        self._clock.sleep(OUTLAST_S)
        return Kill(
            killed=True,
            proven=gone and look() == first,
            at_mono_ns=at_mono_ns,
            proof=f"{first}; process {'gone' if gone else 'NOT gone'} after {self._tries} stop(s)",
        )

    def _still_open(self, before: Offsets) -> str:
        now = self._broker.read()
        return _describe(now, open_transactions(before, now))

    def _still_between(self, at_progress: Advance) -> str:
        now = advance_of(self._broker.read())
        if not between_records_and_progress(at_progress, now):
            return ""
        return f"{now.records - at_progress.records} records written since progress last was"

    def _lives(self) -> bool:
        return is_running(self._target.pid, self._target.start_ticks)

    def _signal(self, signum: signal.Signals) -> None:
        signal_process(self._target.pid, self._target.start_ticks, signum)

    def _wait_gone(self) -> bool:
        deadline_ns = self._clock.mono_ns() + int(GONE_S_MAX * 1e9)
        while self._lives() and self._clock.mono_ns() < deadline_ns:
            self._clock.sleep(POLL_S)
        return not self._lives()


def _describe(now: Offsets, partitions: tuple[Partition, ...]) -> str:
    """The open partitions in words, equal exactly when nothing moved; empty when there is none."""
    ends = [f"{at[0]}[{at[1]}] {now[at].stable} < {now[at].high}" for at in partitions]
    return f"transaction open (stable < high end): {', '.join(ends)}" if ends else ""
