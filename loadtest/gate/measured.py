"""A run as it is judged: every second of every kind of request, the requests worth a row, and the proofs. Pure."""

from collections.abc import Iterable, Iterator

import msgspec

from contracts.bridge import BridgeVerify
from contracts.chaos import ChaosResult
from contracts.drive import DriveRow, LoadCell, MachineSecond, Phase, Pulse
from contracts.evidence import AuditReport
from contracts.fault import FaultRecord
from contracts.history import OrderCheck
from contracts.load import TrafficClass
from contracts.report import ClassFigures
from contracts.tap import TapReport
from loadtest.drive.histogram import Latencies, sum_of


class Proofs(msgspec.Struct, frozen=True, kw_only=True):
    """What others left in the directory; None (or no tap) where there is nothing, `unreadable` where it is broken.

    `beacons_seen` are those of all taps together.
    """

    faults: tuple[FaultRecord, ...] | None = None
    chaos: ChaosResult | None = None
    evidence: AuditReport | None = None
    bridge: BridgeVerify | None = None
    taps: tuple[TapReport, ...] = ()
    beacons_seen: frozenset[str] = frozenset()
    orders: OrderCheck | None = None
    unreadable: dict[str, str] = {}


class Generator(msgspec.Struct, frozen=True, kw_only=True):
    """What the generator and the machine say of themselves.

    `planned` and `sent` are whole runs'. `missing` says why the run did not end as planned, empty if it did.
    `pulses` are per worker; empty where the generator keeps none.
    """

    workers: int
    planned: int
    sent: int
    cpu_s: float
    missing: str
    pulses: tuple[tuple[Pulse, ...], ...] = ()
    machine: tuple[MachineSecond, ...] = ()


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run; `cells` are summed over workers by `add_up`, `rows` all requests that were worth one."""

    run: str
    started_mono_ns: int
    started_wall_ms: int
    ended_mono_ns: int
    phases: tuple[Phase, ...]
    classes: dict[str, TrafficClass]
    services: dict[str, str]
    idempotent: frozenset[str]
    orders: frozenset[str]
    cells: tuple["Total", ...]
    rows: tuple[DriveRow, ...]
    generator: Generator
    proofs: Proofs

    def second_of(self, mono_ns: int) -> float:
        """Seconds since the first intended instant."""
        return (mono_ns - self.started_mono_ns) / 1e9

    def holds(self, mono_ns: int) -> bool:
        """Whether an instant lies within the run."""
        return self.started_mono_ns <= mono_ns <= self.ended_mono_ns

    @property
    def duration_s(self) -> float:
        """From the first intended instant to the last phase's end, or as far as requests were intended."""
        planned_s = max((phase.end_s for phase in self.phases), default=0.0)
        return planned_s or self.second_of(self.ended_mono_ns)

    def of_class(self, traffic: TrafficClass) -> "Iterator[Total]":
        """The cells of one class."""
        return (cell for cell in self.cells if self.classes.get(cell.kind) == traffic)


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """One second of one kind over all workers."""

    second: int
    kind: str
    sent: int
    ok: int
    failed: int
    shed: int
    unknown: int
    late: int
    waited: int
    latencies: Latencies

    @property
    def bad(self) -> int:
        """Requests that were not served as they should have been."""
        return self.failed + self.shed + self.unknown


def add_up(cells: Iterable[LoadCell]) -> tuple[Total, ...]:
    """Cells of all workers summed by second and kind. Raises `ValueError` for a broken histogram."""
    groups: dict[tuple[int, str], list[LoadCell]] = {}
    for cell in cells:
        groups.setdefault((cell.second, cell.kind), []).append(cell)
    return tuple(_sum(groups[key]) for key in sorted(groups))


def _sum(cells: list[LoadCell]) -> Total:
    latencies = Latencies()
    for cell in cells:
        if cell.histogram:
            latencies.decode(cell.histogram)
    return Total(
        second=cells[0].second,
        kind=cells[0].kind,
        sent=sum(cell.sent for cell in cells),
        ok=sum(cell.ok for cell in cells),
        failed=sum(cell.failed for cell in cells),
        shed=sum(cell.shed for cell in cells),
        unknown=sum(cell.unknown for cell in cells),
        late=sum(cell.late for cell in cells),
        waited=sum(cell.waited for cell in cells),
        latencies=latencies,
    )


def figures_of(totals: Iterable[Total]) -> ClassFigures:
    """The figures of all `totals` together; requests of unknown outcome are among the failed."""
    cells = list(totals)
    latencies = sum_of(cell.latencies for cell in cells)
    return ClassFigures(
        sent=sum(cell.sent for cell in cells),
        ok=sum(cell.ok for cell in cells),
        failed=sum(cell.failed + cell.unknown for cell in cells),
        shed=sum(cell.shed for cell in cells),
        p50_ms=latencies.quantile_ms(0.5),
        p99_ms=latencies.quantile_ms(0.99),
        p999_ms=latencies.quantile_ms(0.999),
    )
