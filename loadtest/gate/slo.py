"""slo.yaml to an objective: what the grammar cannot say is checked here, with file and line. Pure."""

from typing import get_args

from contracts.fault import FaultKind
from contracts.load import TrafficClass
from contracts.slo import ClassObjective, FaultObjective, Slo
from policy.document import Document, read_document
from policy.problems import did_you_mean


def load_slo(data: bytes, source: str) -> Slo:
    """The objective in `data`. Raises `PolicyError` with every fault found: file, line, expectation, fix."""
    document = read_document(data, source, Slo)
    slo = document.value
    if slo is None:
        document.finish()
        raise AssertionError("a document without a value has problems")
    _check_faults(document, slo)
    _check_services(document, slo)
    _check_classes(document, slo)
    document.finish()
    return slo


def class_objectives(slo: Slo) -> dict[TrafficClass, ClassObjective]:
    """The objectives of the classes the file names."""
    return {name: slo.classes[name] for name in get_args(TrafficClass) if name in slo.classes}


def fault_objective_name(kind: str) -> str:
    """The name of a fault's objective in the file: `node_kill` or `node-kill`."""
    return kind.replace("_", "-")


FAULTS = tuple(map(fault_objective_name, get_args(FaultKind)))


def fault_objectives(slo: Slo) -> dict[str, FaultObjective]:
    """The objectives of the faults the file names, by `fault_objective_name`."""
    return {fault_objective_name(name): it for name, it in slo.faults.items()}


def _check_faults(document: Document[Slo], slo: Slo) -> None:
    seen: set[str] = set()
    for name in slo.faults:
        if fault_objective_name(name) in seen:
            document.report(
                f"faults.{name}", f'"{name}" is there already', expected="each fault once",
                fix="keep one of its two spellings",
            )  # fmt: skip
        seen.add(fault_objective_name(name))
        if fault_objective_name(name) not in FAULTS:
            document.report(
                f"faults.{name}", f'unknown fault "{name}"', expected=f"one of {', '.join(FAULTS)}",
                fix=did_you_mean(fault_objective_name(name), FAULTS),
            )  # fmt: skip


def _check_services(document: Document[Slo], slo: Slo) -> None:
    for name in slo.forecast:
        if name not in slo.capacity:
            document.report(
                f"forecast.{name}", f'no capacity is measured for "{name}"',
                expected=f"one of {', '.join(slo.capacity) or 'capacity (there is none)'}",
                fix=f"write capacity: {{{name}: {{replicas: N}}}} with the replicas of the run",
            )  # fmt: skip


def _check_classes(document: Document[Slo], slo: Slo) -> None:
    named = {f"capacity.{name}.traffic": it.traffic for name, it in slo.capacity.items()} | {
        f"faults.{name}.traffic": it.traffic for name, it in slo.faults.items()
    }
    for path, traffic in named.items():
        if traffic not in slo.classes:
            document.report(
                path, f"class {traffic} has no objective", expected=f"one of {', '.join(slo.classes)}",
                fix=f"add classes: {{{traffic}: {{…}}}}, or name another class",
            )  # fmt: skip
