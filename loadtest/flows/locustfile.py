"""The only module that imports locust: shoppers, their shape, and what each process counts.

`locust -f loadtest/flows/locustfile.py` with ISTHMUS_FLOWS naming a file of `FlowSettings`; started by `run`.
The master, or the only process, writes `flows.json` and exits 0 GO, 1 NO-GO, 3 INVALID.
"""

import itertools
import os
import time
from pathlib import Path
from typing import Any, cast

import gevent
import msgspec
from locust import FastHttpUser, LoadTestShape, events, task
from locust import stats as locust_stats
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from contracts.flows import FlowReport, FlowSettings, FlowStep, FlowTally
from contracts.report import Verdict
from loadtest.flows.journey import Journey, Send, body_digest
from loadtest.flows.pacing import Pacing
from loadtest.flows.shapes import users_at
from loadtest.flows.validity import high, report_of
from loadtest.history import OrderAttempt, OrderHistory, order_id_of
from loadtest.outcome import Failure
from loadtest.sink import LineFile

SETTINGS = msgspec.json.decode(Path(os.environ["ISTHMUS_FLOWS"]).read_bytes(), type=FlowSettings)
EXIT: dict[Verdict, int] = {"GO": 0, "NO-GO": 1, "INVALID": 3}
ORDER_ATTEMPTS = 3
SECOND_S = 1.0


class Counts:
    """What this process counted."""

    def __init__(self) -> None:
        self.started = self.finished = 0
        self.pacings: list[Pacing] = []
        self.cpu_shares: list[float] = []
        # Journeys of all processes have different numbers, as their keys must differ.
        self.numbers = itertools.count(os.getpid() << 24)
        self._orders: OrderHistory | None = None

    def tally(self) -> FlowTally:
        """Everything since the start."""
        return FlowTally(
            started=self.started,
            finished=self.finished,
            missed=sum(pacing.missed for pacing in self.pacings),
            cpu_share=high(self.cpu_shares),
        )

    @property
    def orders(self) -> OrderHistory:
        """The order history of this process; made by the first order, after any fork."""
        if self._orders is None:
            file = LineFile(Path(SETTINGS.out) / f"orders-flow-{os.getpid()}.ndjson")
            self._orders = OrderHistory(file, mono_ns=time.monotonic_ns, wall_ns=time.time_ns)
        return self._orders


class Told:
    """What the master was told by its workers, and which of them it lost."""

    def __init__(self) -> None:
        self.tallies: dict[str, FlowTally] = {}
        self.lost: set[str] = set()


COUNTS = Counts()
TOLD = Told()


def three_digits(response_time: float) -> int:
    """Locust's own buckets are a second wide from ten seconds on; three digits are kept here."""
    whole = max(round(response_time), 0)
    step = 10 ** max(len(str(whole)) - 3, 0)
    return round(whole / step) * step


cast("Any", locust_stats).bucket_response_time = three_digits


class Shape(LoadTestShape):
    """As many shoppers as the stages say."""

    def tick(self) -> tuple[int, float] | None:
        """Locust asks about once a second."""
        return users_at(SETTINGS.stages, self.get_run_time())


class Shopper(FastHttpUser):
    """One shopper; a journey begins every `pacing_s`, or is counted as missed."""

    network_timeout = 10.0
    connection_timeout = 10.0

    def on_start(self) -> None:
        """Journeys are due from now on."""
        self.pacing = Pacing(SETTINGS.pacing_s, time.monotonic())
        COUNTS.pacings.append(self.pacing)

    def on_stop(self) -> None:
        """One that is stuck to the end has missed as much as one that was let go."""
        self.pacing.stop(time.monotonic())

    def wait_time(self) -> float:
        """Until the next journey is due."""
        return self.pacing.wait_s(time.monotonic())

    @task
    def shop(self) -> None:
        """Browse, click, order, pay, profile; a step that fails ends the journey, not the shopper."""
        COUNTS.started += 1
        journey = Journey(SETTINGS.run, next(COUNTS.numbers), seed=SETTINGS.seed)
        if not self.sent(journey.browse()):
            return
        self.think()
        if not self.sent(journey.click(time.time_ns() // 10**6)):
            return
        self.think()
        if not (order_id := self.ordered(journey)):
            return
        if self.sent(journey.pay(order_id)) and self.sent(journey.profile()):
            COUNTS.finished += 1

    def think(self) -> None:
        """People take a moment."""
        gevent.sleep(SETTINGS.think_s)

    def ordered(self, journey: Journey) -> str:
        """Place the order, again under the same key while nothing is sure; its id, or nothing."""
        send = journey.order()
        for attempt in range(1, ORDER_ATTEMPTS + 1):
            order = OrderAttempt(journey.key, attempt, body_digest(send))
            COUNTS.orders.invoke(order)
            status, body = self.exchange(send)
            failure: Failure = "" if status else "reset"
            COUNTS.orders.answer(order, status=status, body=body, failure=failure)
            if status in send.expect:
                return order_id_of(body)
            if 0 < status < 500 and status != 409:
                return ""
            gevent.sleep(0.1 * attempt)
        return ""

    def sent(self, send: Send) -> bool:
        """Whether a request was answered as expected."""
        return self.exchange(send)[0] in send.expect

    def exchange(self, send: Send) -> tuple[int, bytes]:
        """Status and body of the answer; status 0 is none."""
        with self.rest_of(send) as response:
            status = int(response.status_code or 0)
            if status in send.expect:
                response.success()
            else:
                response.failure(f"status {status}")
            return status, bytes(response.content or b"")

    def rest_of(self, send: Send) -> Any:  # locust's response is a class of two faces
        """The request under the step's name."""
        return cast("Any", self.client).request(
            send.method, send.path, name=send.step, data=send.body or None,
            headers=send.headers or None, catch_response=True, allow_redirects=False,
        )  # fmt: skip


def _watch(environment: Environment) -> None:
    """Once a second: this process's share of a core, and the workers the master has lost."""
    before = time.process_time()
    wall_s = time.monotonic()
    while True:
        gevent.sleep(SECOND_S)
        now, now_s = time.process_time(), time.monotonic()
        COUNTS.cpu_shares.append((now - before) / max(now_s - wall_s, 1e-3))
        before, wall_s = now, now_s
        runner = environment.runner
        if isinstance(runner, MasterRunner):
            TOLD.lost.update(str(client.id) for client in runner.clients.missing)


def on_init(environment: Environment, **_: object) -> None:
    """Start watching in every process."""
    gevent.spawn(_watch, environment)


def on_report(client_id: str, data: dict[str, object]) -> None:
    """A worker adds what it counted to what it tells the master."""
    del client_id
    data["isthmus"] = msgspec.to_builtins(COUNTS.tally())


def on_worker_report(client_id: str, data: dict[str, object]) -> None:
    """The master keeps the last word of each worker."""
    if "isthmus" in data:
        TOLD.tallies[client_id] = msgspec.convert(data["isthmus"], FlowTally)


def on_quitting(environment: Environment, **_: object) -> None:
    """The master, or the only process, judges the run."""
    if isinstance(environment.runner, WorkerRunner):
        return
    distributed = isinstance(environment.runner, MasterRunner)
    tallies = list(TOLD.tallies.values()) if distributed else [COUNTS.tally()]
    report = report_of(SETTINGS, tallies, _steps(environment), lost_workers=len(TOLD.lost))
    _write(report)
    environment.process_exit_code = EXIT[report.verdict]


def _steps(environment: Environment) -> dict[str, FlowStep]:
    return {
        name: FlowStep(
            requests=entry.num_requests,
            failed=entry.num_failures,
            p50_ms=float(entry.get_response_time_percentile(0.5) or 0),
            p99_ms=float(entry.get_response_time_percentile(0.99) or 0),
        )
        for (name, _), entry in environment.stats.entries.items()
    }


def _write(report: FlowReport) -> None:
    path = Path(SETTINGS.out) / "flows.json"
    scratch = path.with_suffix(".tmp")
    scratch.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    scratch.replace(path)


_hooks = cast("Any", events)  # untyped
_hooks.init.add_listener(on_init)
_hooks.report_to_master.add_listener(on_report)
_hooks.worker_report.add_listener(on_worker_report)
_hooks.quitting.add_listener(on_quitting)

__all__ = ["Shape", "Shopper"]
