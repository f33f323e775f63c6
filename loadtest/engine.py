"""The open-loop engine: sends each request at its planned instant, whatever became of those before.

Latency counts from the planned instant, so a stalled server shows as the wait its customers had. One row
per request goes to the files when it ends; an order's attempts go to the history before their bytes leave.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable

from contracts.load import Door, LoadPlan, LoadSummary, Outcome
from loadtest.connection import Exchange
from loadtest.flight import Flight
from loadtest.history import OrderAttempt, OrderHistory
from loadtest.outcome import Failure, Final, Retry, after_order_attempt, outcome_of
from loadtest.pace import InstantTimer
from loadtest.plan import PlannedRequest
from loadtest.pool import Pool
from loadtest.sink import FLUSH_S, Progress, RunFiles
from loadtest.wire import body_sha, order_body, render

LATE_US = 50_000
"""A request sent later than this after its planned instant counts as late (design §7, report `late_sends`)."""
LEAD_S = 0.1
"""Pause before the first request, so that start-up is not measured as lateness."""
TICK_S = 0.02
ORDER_BUDGET_TIMEOUTS = 3
"""An order is given up after this many time-outs in all."""


class Attempt(Exchange):
    """One send of a flight."""

    __slots__ = ("engine", "flight")

    def __init__(
        self, engine: "Engine", flight: Flight, *, payload: bytes, deadline_ns: int
    ) -> None:
        super().__init__(payload, deadline_ns)
        self.engine = engine
        self.flight = flight

    def finished(self, failure: Failure) -> None:
        """The engine decides what follows."""
        try:
            self.engine.attempt_ended(self, failure)
        except Exception as error:  # noqa: BLE001  # the loop would log it, and the run wait for ever
            self.engine.fail(error)


class Engine:
    """One run; `run` returns its summary when every request has ended. Use one engine per run."""

    def __init__(self, plan: LoadPlan, files: RunFiles, loop: asyncio.AbstractEventLoop) -> None:
        self._plan = plan
        self._files = files
        self._loop = loop
        self._timeout_ns = int(plan.timeout_s * 1e9)
        self._history = OrderHistory(files.orders, mono_ns=time.monotonic_ns, wall_ns=time.time_ns)
        addresses: dict[Door, str] = {"core": plan.core, "edge": plan.edge}
        self._hosts = {door: address.encode() for door, address in addresses.items()}
        self._pools = {
            door: Pool(
                loop,
                time.monotonic_ns,
                address=address,
                connections_max=plan.connections_max,
                connect_s=plan.timeout_s,
            )
            for door, address in addresses.items()
        }
        self._deadlines: deque[Attempt] = deque()
        self._acked_order = ""
        self._profiles: dict[str, bytes] = {}
        self._timer = InstantTimer(loop)
        self._stopping = False
        self._all_sent = False
        self._drained = asyncio.Event()
        self._error: BaseException | None = None
        self._planned = self._launched = self._completed = self._late = 0
        self._counts: dict[Outcome, int] = {"ok": 0, "shed": 0, "failed": 0, "unknown": 0}

    def stop(self) -> None:
        """Send nothing new; what is under way still ends."""
        self._stopping = True
        self._timer.wake()

    def fail(self, error: BaseException) -> None:
        """The run cannot go on (a file cannot be written): `run` ends with `error`."""
        self._error = self._error or error
        self.stop()
        self._drained.set()

    async def run(self, requests: Iterable[PlannedRequest]) -> LoadSummary:
        """Send `requests` at their instants, wait for all answers, write the summary. Raises `OSError`."""
        started_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        cpu_s = time.process_time()
        ticker = self._loop.create_task(self._tick(started_ns))
        ticker.add_done_callback(self._ticker_ended)
        try:
            await self._send_all(requests, started_ns)
            self._all_sent = True
            if self._completed < self._launched:
                # Bounded: every attempt has a deadline, every order a budget.
                await self._drained.wait()
        finally:
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)
            for pool in self._pools.values():
                await pool.close()
            self._timer.close()
        if self._error is not None:
            raise self._error
        ended_ns = time.monotonic_ns()
        summary = LoadSummary(
            run=self._plan.run,
            planned=self._planned,
            sent=self._launched,
            completed=self._completed,
            late_sends=self._late,
            cpu_s=time.process_time() - cpu_s,
            wall_s=(ended_ns - started_ns) / 1e9,
            started_mono_ns=started_ns,
            ended_mono_ns=ended_ns,
        )
        self._files.finish(summary)
        return summary

    async def _send_all(self, requests: Iterable[PlannedRequest], started_ns: int) -> None:
        burst = 0
        for planned in requests:
            self._planned += 1
            if self._stopping:
                continue
            due_ns = started_ns + planned.offset_ns
            if due_ns > time.monotonic_ns():
                await self._timer.wait_until(due_ns)
                burst = 0
                if self._stopping:
                    continue
            elif (burst := burst + 1) % 16 == 0:
                # Behind schedule: answers must still be read, or the backlog never ends.
                await asyncio.sleep(0)
            self._launched += 1
            self._launch(Flight(planned, due_ns))

    def _launch(self, flight: Flight) -> None:
        planned = flight.planned
        if planned.operation == "order":
            # Until an order is acknowledged there is no key to contradict: a conflict is then an order.
            contradicts = planned.action == "order_conflict" and self._acked_order
            flight.key = self._acked_order if contradicts else planned.identity
            flight.body_sha = "" if contradicts else body_sha(order_body(planned))
        elif planned.action == "profile_get":
            flight.known_profile = self._profiles.get(planned.identity, b"")
        self._attempt(flight)

    def _attempt(self, flight: Flight) -> None:
        planned = flight.planned
        flight.attempts += 1
        payload = render(
            planned, host=self._hosts[planned.door], wall_ms=time.time_ns() // 10**6, key=flight.key
        )
        if flight.body_sha:
            self._history.invoke(OrderAttempt(flight.key, flight.attempts, flight.body_sha))
        now_ns = time.monotonic_ns()
        flight.handed_ns = flight.handed_ns or now_ns
        attempt = Attempt(self, flight, payload=payload, deadline_ns=now_ns + self._timeout_ns)
        self._deadlines.append(attempt)
        self._pools[planned.door].submit(attempt)

    def attempt_ended(self, attempt: Attempt, failure: Failure) -> None:
        """Judge one answer or its absence; send an order again or close the flight with its row."""
        flight = attempt.flight
        if flight.attempts == 1 and attempt.sent_ns:
            flight.handed_ns = attempt.sent_ns
        flight.served = attempt.served if attempt.status else b""
        outcome = self._judge(flight, attempt, failure)
        if flight.planned.operation == "order":
            step = self._after_order(flight, attempt, failure=failure, outcome=outcome)
            if isinstance(step, Retry):
                self._loop.call_later(step.delay_s, self._try_again, flight)
                return
        self._close(flight, outcome, attempt.status)

    def _judge(self, flight: Flight, attempt: Attempt, failure: Failure) -> Outcome:
        planned = flight.planned
        action = planned.action
        if action == "order_conflict" and flight.body_sha:
            action = "order"
        outcome = outcome_of(
            action,
            expected=planned.expected,
            door=planned.door,
            status=attempt.status,
            failure=failure,
        )
        if action == "profile_put" and outcome == "ok" and planned.planting is not None:
            self._profiles[planned.identity] = planned.planting.text.encode()
        elif action == "profile_get":
            if outcome == "ok" and flight.known_profile not in attempt.body:
                return "failed"
            if attempt.status == 404 and not flight.known_profile:
                return "ok"
        return outcome

    def _after_order(
        self, flight: Flight, attempt: Attempt, *, failure: Failure, outcome: Outcome
    ) -> Retry | Final:
        if flight.body_sha:
            self._history.answer(
                OrderAttempt(flight.key, flight.attempts, flight.body_sha),
                status=attempt.status,
                body=attempt.body,
                failure=failure,
            )
            if outcome == "ok":
                self._acked_order = flight.key
        return after_order_attempt(
            outcome,
            attempt=flight.attempts,
            status=attempt.status,
            elapsed_s=(time.monotonic_ns() - flight.intended_ns) / 1e9,
            budget_s=self._plan.timeout_s * ORDER_BUDGET_TIMEOUTS,
        )

    def _close(self, flight: Flight, outcome: Outcome, status: int) -> None:
        self._late += flight.late_us > LATE_US
        self._counts[outcome] += 1
        self._completed += 1
        self._files.requests.add(flight.row(outcome, status=status, ended_ns=time.monotonic_ns()))
        if self._all_sent and self._completed == self._launched:
            self._drained.set()

    def _ticker_ended(self, ticker: asyncio.Task[None]) -> None:
        if not ticker.cancelled() and (error := ticker.exception()) is not None:
            self.fail(error)

    def _try_again(self, flight: Flight) -> None:
        try:
            self._attempt(flight)
        except OSError as error:
            self.fail(error)

    async def _tick(self, started_ns: int) -> None:
        second = 0
        flushed_ns = launched = 0
        before = dict(self._counts)
        while True:
            await asyncio.sleep(TICK_S)
            now_ns = time.monotonic_ns()
            self._expire(now_ns)
            if now_ns - flushed_ns >= FLUSH_S * 1e9:
                self._files.requests.flush()
                flushed_ns = now_ns
            while now_ns - started_ns >= (second + 1) * 10**9:
                now = dict(self._counts)
                self._files.progress.write(
                    Progress(
                        second=second,
                        sent=self._launched - launched,
                        ok=now["ok"] - before["ok"],
                        shed=now["shed"] - before["shed"],
                        failed=now["failed"]
                        + now["unknown"]
                        - before["failed"]
                        - before["unknown"],
                    )
                )
                second, launched, before = second + 1, self._launched, now

    def _expire(self, now_ns: int) -> None:
        while self._deadlines and (
            self._deadlines[0].done or self._deadlines[0].deadline_ns <= now_ns
        ):
            self._deadlines.popleft().expire()
