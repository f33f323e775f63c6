"""One worker's loop: sends what the plan intends when it is due, and counts what becomes of it.

Open loop: an instant never depends on an answer, and latency counts from it. The common request costs no more
than a template, a write, a read and a count; only what is worth a row gets one.
"""

import asyncio
import time
from collections import deque

import msgspec
import numpy as np

from contracts.drive import Pulse, WorkerSummary
from contracts.load import Outcome
from loadtest.drive.cells import Cell, Seconds
from loadtest.drive.document import Loaded
from loadtest.drive.kinds import Kind, Moments, canary_ids, kinds_of
from loadtest.drive.schedule import Schedule
from loadtest.drive.shot import Shot
from loadtest.engine import LATE_US, ORDER_BUDGET_TIMEOUTS
from loadtest.figures import SLOW_MS
from loadtest.history import OrderAttempt, OrderHistory
from loadtest.outcome import Failure, Retry, after_order_attempt
from loadtest.pace import InstantAlarm
from loadtest.pool import Pool
from loadtest.sink import LineFile
from loadtest.wire import body_sha

BURST = 32
"""So many requests behind schedule go out before answers are read again."""
TICK_S = 0.02
TRUST_NS = 20_000_000
"""A connection answered on within 20 ms is used without a look: a server that closes one does not do so then."""
LATE_NS = LATE_US * 1000
SLOW_US = int(SLOW_MS * 1000)
NO_ANSWER: frozenset[Failure] = frozenset({"timeout", "reset"})


class Outputs(msgspec.Struct):
    """The files of one worker."""

    cells: LineFile
    pulse: LineFile
    rows: LineFile
    orders: LineFile


class Driver:
    """One worker's part of a run; `run` returns its summary when every request has ended."""

    def __init__(
        self, loaded: Loaded, outputs: Outputs, loop: asyncio.AbstractEventLoop, *, worker: int
    ) -> None:
        plan = loaded.plan
        self._loaded, self._plan, self._worker = loaded, plan, worker
        self._outputs, self._loop = outputs, loop
        *self._seeds, feeds = np.random.SeedSequence([plan.seed, worker]).spawn(3)
        self._moments = Moments(
            loaded, worker=worker, workers=plan.workers, rng=np.random.default_rng(feeds)
        )
        self._kinds = kinds_of(loaded)
        self._canary_ids = canary_ids(plan)
        self._seconds = Seconds([kind.template.name for kind in self._kinds], outputs.cells.add)
        self._kept = {name: self._pool(name, keep_alive=True) for name in plan.targets}
        self._fresh = {name: self._pool(name, keep_alive=False) for name in plan.targets}
        self._histories = {
            kind.index: self._history(kind) for kind in self._kinds if kind.template.kind == "order"
        }
        self._timeout_ns = int(plan.timeout_s * 1e9)
        self._deadlines: deque[Shot] = deque()
        self._cells: list[Cell] = []
        self._cells_until_ns = 0
        self._second = 0
        self._start_ns = 0
        self._schedule: Schedule | None = None
        self._alarm = InstantAlarm(loop, self._go)
        self._done = asyncio.Event()
        self._error: BaseException | None = None
        self._all_sent = self._stopping = False
        self._sent = self._completed = self._late = 0

    def _pool(self, target: str, *, keep_alive: bool) -> Pool:
        return Pool(
            self._loop, time.monotonic_ns, address=self._plan.targets[target],
            connections_max=self._plan.connections, connect_s=self._plan.timeout_s,
            trust_ns=TRUST_NS, keep_alive=keep_alive,
        )  # fmt: skip

    def _history(self, kind: Kind) -> OrderHistory:
        return OrderHistory(
            self._outputs.orders, mono_ns=time.monotonic_ns, wall_ns=time.time_ns,
            expected=kind.expect,
        )  # fmt: skip

    @property
    def _pools(self) -> tuple[Pool, ...]:
        return (*self._kept.values(), *self._fresh.values())

    def stop(self) -> None:
        """Send nothing new; what is under way still ends."""
        self._stopping = True
        self._loop.call_soon(self._go)

    def fail(self, error: BaseException) -> None:
        """The run cannot go on: `run` ends with `error`."""
        self._error = self._error or error
        self._stopping = True
        self._done.set()

    async def run(self, start_ns: int) -> WorkerSummary:
        """Send everything from `start_ns` (monotonic) on and wait for all answers. Raises `OSError`."""
        cpu_s = time.process_time()
        self._start_ns = start_ns
        self._schedule = schedule = Schedule(
            self._loaded, worker=self._worker, start_ns=start_ns, seeds=tuple(self._seeds)
        )
        ticker = self._loop.create_task(self._tick())
        ticker.add_done_callback(self._ticker_ended)
        self._alarm.arm(start_ns)
        try:
            # Bounded: every shot has a deadline, every order a budget.
            await self._done.wait()
        finally:
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)
            for pool in self._pools:
                await pool.close()
            self._alarm.close()
            self._seconds.write_all()
        if self._error is not None:
            raise self._error
        ended_ns = time.monotonic_ns()
        return WorkerSummary(
            worker=self._worker, planned=schedule.planned, sent=self._sent,
            completed=self._completed, late=self._late,
            connects=sum(pool.connects for pool in self._pools),
            refused=sum(pool.refused for pool in self._pools),
            cpu_s=time.process_time() - cpu_s, wall_s=(ended_ns - start_ns) / 1e9,
            ended_mono_ns=ended_ns,
        )  # fmt: skip

    def _go(self) -> None:
        try:
            if self._schedule is not None and not self._all_sent:
                self._send_due(self._schedule)
        except Exception as error:  # noqa: BLE001  # the loop would log it, and the run wait for ever
            self.fail(error)

    def _send_due(self, schedule: Schedule) -> None:
        """Send what is due; then wake again at the next instant, or at once to read answers in between."""
        now_ns = time.monotonic_ns()
        for _ in range(BURST):
            if (due := schedule.due) is None or self._stopping:
                break
            if due[0] > now_ns:
                self._alarm.arm(max(due[0], now_ns + schedule.rest_ns))
                return
            self._launch(due[0], self._kinds[due[1]], self._fresh if due[2] else self._kept)
            schedule.advance()
        else:
            self._loop.call_soon(self._go)
            return
        self._all_sent = True
        schedule.count_rest()
        if self._completed == self._sent:
            self._done.set()

    def _launch(self, due_ns: int, kind: Kind, pools: dict[str, Pool]) -> None:
        if due_ns >= self._cells_until_ns:
            self._second = (due_ns - self._start_ns) // 10**9
            self._cells = self._seconds.row(self._second)
            self._cells_until_ns = self._start_ns + (self._second + 1) * 10**9
        cell = self._cells[kind.index]
        now_ns = time.monotonic_ns()
        if now_ns - due_ns > LATE_NS:
            cell.late += 1
            self._late += 1
        shot = Shot(kind, cell, deadline_ns=now_ns + self._timeout_ns, ender=self)
        shot.intended_ns, shot.n = due_ns, self._sent
        self._sent += 1
        cell.sent += 1
        if not shot.payload:
            shot.dress(self._moments, self._canary_ids, epoch_ms=time.time_ns() // 10**6)
        self._fire(shot, pools)

    def _fire(self, shot: Shot, pools: dict[str, Pool]) -> None:
        """Hand a shot to its pool; an order is in the history before its bytes leave."""
        if shot.key and shot.kind.index in self._histories:
            self._histories[shot.kind.index].invoke(_attempt(shot))
        self._deadlines.append(shot)
        pools[shot.kind.template.target].submit(shot)

    def ended(self, shot: Shot, failure: Failure) -> None:
        """Count one request that ended, or send an order again."""
        now_ns = time.monotonic_ns()
        kind = shot.kind
        if not shot.first_sent_ns:
            shot.first_sent_ns = shot.sent_ns or now_ns
        outcome = kind.outcome(status=shot.status, failure=failure)
        if kind.index in self._histories and self._again(shot, outcome, failure, now_ns=now_ns):
            return
        latency_us = (now_ns - shot.intended_ns) // 1000
        late_us = (shot.first_sent_ns - shot.intended_ns) // 1000
        cell = shot.cell
        if outcome == "ok":
            cell.ok += 1
            cell.latencies_us.append(latency_us)
        else:
            cell.count(outcome)
            if failure in NO_ANSWER:
                cell.latencies_us.append(latency_us)
        self._completed += 1
        if late_us > LATE_US:
            cell.waited += 1
        if kind.watched or outcome != "ok" or latency_us > SLOW_US or late_us > LATE_US:
            n = shot.n * self._plan.workers + self._worker
            self._outputs.rows.add(shot.row(outcome, n=n, latency_us=latency_us, late_us=late_us))
        if self._all_sent and self._completed == self._sent:
            self._done.set()

    def _again(self, shot: Shot, outcome: Outcome, failure: Failure, *, now_ns: int) -> bool:
        """Write what an order's attempt came to; whether it is sent once more."""
        self._histories[shot.kind.index].answer(
            _attempt(shot), status=shot.status, body=shot.body, failure=failure
        )
        step = after_order_attempt(
            outcome, attempt=shot.attempt, status=shot.status,
            elapsed_s=(now_ns - shot.intended_ns) / 1e9,
            budget_s=self._plan.timeout_s * ORDER_BUDGET_TIMEOUTS,
        )  # fmt: skip
        if isinstance(step, Retry):
            self._loop.call_later(step.delay_s, self._retry, shot)
            return True
        return False

    def _retry(self, before: Shot) -> None:
        try:
            self._fire(before.again(time.monotonic_ns() + self._timeout_ns), self._kept)
        except Exception as error:  # noqa: BLE001  # a file that cannot be written ends the run
            self.fail(error)

    async def _tick(self) -> None:
        second, cpu_s, lag_ns = 0, time.process_time(), 0
        before_ns = time.monotonic_ns()
        while True:
            await asyncio.sleep(TICK_S)
            now_ns = time.monotonic_ns()
            lag_ns = max(lag_ns, now_ns - before_ns - int(TICK_S * 1e9))
            before_ns = now_ns
            self._expire(now_ns)
            self._outputs.rows.flush()
            while now_ns - self._start_ns >= (second + 1) * 10**9:
                now_cpu_s = time.process_time()
                self._outputs.pulse.write(self._pulse(second, now_cpu_s - cpu_s, lag_ns))
                # One that is behind schedule is still at work on a second that has passed.
                self._seconds.write_until(min(second, self._second))
                self._outputs.cells.flush()
                second, cpu_s, lag_ns = second + 1, now_cpu_s, 0

    def _pulse(self, second: int, cpu_s: float, lag_ns: int) -> Pulse:
        connections = sum(pool.open for pool in self._pools)
        in_flight = self._sent - self._completed
        return Pulse(second, cpu_s * 1000, max(lag_ns, 0) // 1000, in_flight, connections)

    def _expire(self, now_ns: int) -> None:
        while self._deadlines and (
            self._deadlines[0].done or self._deadlines[0].deadline_ns <= now_ns
        ):
            self._deadlines.popleft().expire()

    def _ticker_ended(self, ticker: asyncio.Task[None]) -> None:
        if not ticker.cancelled() and (error := ticker.exception()) is not None:
            self.fail(error)


def _attempt(shot: Shot) -> OrderAttempt:
    return OrderAttempt(shot.key, shot.attempt, body_sha(shot.order_body))
