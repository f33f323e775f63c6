"""JSON Schemas of what others read and write, generated from the structs: `python -m contracts.schema`.

One file per root in `contracts/schema/`; the committed files equal the generated ones (tests/contracts).
"""

import inspect
import sys
from pathlib import Path

import msgspec

from contracts.base import Contract
from contracts.bridge import BridgeStatus, BridgeVerify
from contracts.capacity import Capacity
from contracts.chaos import ChaosHistory, ChaosResult, ChaosStart
from contracts.cloud import CloudState
from contracts.cluster import ClusterSpec, ClusterState
from contracts.control import ControlReply, ControlRequest
from contracts.drive import (
    DrivePlan,
    DriveRow,
    DriveRun,
    LoadCell,
    MachineSecond,
    Pulse,
    WorkerSummary,
)
from contracts.events import ClickEvent
from contracts.evidence import AuditReport, ChainedRecord
from contracts.fault import FaultRecord, Lease
from contracts.flows import FlowReport, FlowSettings, FlowTally
from contracts.gate import CompareReport, GateReport
from contracts.history import LedgerRow, OrderCheck, OrderEvent
from contracts.load import LoadPlan, LoadSummary, RequestRow
from contracts.orders import OrdersStats
from contracts.promotion import PlanReport, Promotion, PromotionStatus
from contracts.ready import Ready
from contracts.report import Report
from contracts.settings import BridgeSettings, RouterSettings
from contracts.slo import Slo
from contracts.tap import Canary, TapReport

DIRECTORY = Path(__file__).with_name("schema")

ROOTS: tuple[type[Contract], ...] = (
    AuditReport,
    BridgeSettings,
    BridgeStatus,
    BridgeVerify,
    Canary,
    Capacity,
    ChainedRecord,
    ChaosHistory,
    ChaosResult,
    ChaosStart,
    ClickEvent,
    CloudState,
    ClusterSpec,
    ClusterState,
    CompareReport,
    ControlReply,
    ControlRequest,
    DrivePlan,
    DriveRow,
    DriveRun,
    FaultRecord,
    FlowReport,
    FlowSettings,
    FlowTally,
    GateReport,
    Lease,
    LedgerRow,
    LoadCell,
    LoadPlan,
    LoadSummary,
    MachineSecond,
    OrderCheck,
    OrderEvent,
    OrdersStats,
    PlanReport,
    Promotion,
    PromotionStatus,
    Pulse,
    Ready,
    Report,
    RequestRow,
    RouterSettings,
    Slo,
    TapReport,
    WorkerSummary,
)
"""What stands alone in a file, a line or a message; every other struct is part of one of these."""


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    definitions: dict[str, dict[str, object]] = msgspec.field(name="$defs")
    root: str = msgspec.field(name="$ref")
    dialect: str = msgspec.field(
        name="$schema", default="https://json-schema.org/draft/2020-12/schema"
    )


def file_name(root: type[Contract]) -> str:
    """`CloudState` is `cloud-state.json`."""
    words = "".join(f"-{char.lower()}" if char.isupper() else char for char in root.__name__)
    return f"{words.lstrip('-')}.json"


def schema_of(root: type[Contract]) -> bytes:
    """The root's JSON Schema as the file holds it."""
    schema = msgspec.json.encode(msgspec.json.schema(root))
    document = msgspec.json.decode(schema, type=_Document)
    for definition in document.definitions.values():
        # Python 3.13 strips the indentation of docstrings, earlier ones keep it.
        definition["description"] = inspect.cleandoc(str(definition["description"]))
    plain = msgspec.json.encode(document, order="deterministic")
    return msgspec.json.format(plain, indent=2) + b"\n"


def generate() -> dict[str, bytes]:
    """Every schema file by name."""
    return {file_name(root): schema_of(root) for root in ROOTS}


def main() -> int:
    """Make the directory hold exactly the generated files."""
    DIRECTORY.mkdir(exist_ok=True)
    files = generate()
    for stale in {path.name for path in DIRECTORY.glob("*.json")} - set(files):
        (DIRECTORY / stale).unlink()
    for name, content in files.items():
        (DIRECTORY / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
