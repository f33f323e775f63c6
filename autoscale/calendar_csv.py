"""A marketing calendar in CSV: a row per workload of a promotion, as spreadsheets write them.

Columns are found by name, in any order and case. Rows with the same name are one promotion; what is empty in a
later row is as in its first one. Separators are commas or semicolons.
"""

import csv
import io
from collections.abc import Iterator

from autoscale.places import PromotionFileError, text_of
from autoscale.wording import Source
from policy.problems import Problem, did_you_mean

COLUMNS = (
    "name", "namespace", "start", "end", "timeZone", "type", "mode", "lead", "confidence", "budget",
    "workload", "kind", "expectedPeak", "capacityPerReplica", "pool", "replicasPerNode", "addNodes",
)  # fmt: skip
REQUIRED = ("name", "start", "end", "workload", "expectedPeak")
NUMBERS = (
    "confidence",
    "budget",
    "expectedPeak",
    "capacityPerReplica",
    "replicasPerNode",
    "addNodes",
)
OF_PROMOTION = (
    "name",
    "namespace",
    "start",
    "end",
    "timeZone",
    "type",
    "mode",
    "lead",
    "confidence",
)
OF_WORKLOAD = ("expectedPeak", "capacityPerReplica", "pool", "replicasPerNode")

Row = tuple[dict[str, object], Source, int]
"""A promotion as plain values, where they were written, and the line of its first row."""


def rows_of(data: bytes, source: str) -> Iterator[Row]:
    """Every promotion of a CSV file. Raises PromotionFileError."""
    text = text_of(data, source)
    head = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ","
    )
    columns = _columns(next(reader, list[str]()), source)
    problems: list[Problem] = []
    grouped: dict[tuple[object, object], list[tuple[int, dict[str, object]]]] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        row, wrong = _row(cells, columns, file=source, line=reader.line_num)
        problems += wrong
        key = (row.get("namespace", "default"), row.get("name"))
        grouped.setdefault(key, []).append((reader.line_num, row))
    for rows in grouped.values():
        problems += _contradictions(rows, source)
    if problems:
        raise PromotionFileError(problems)
    for rows in grouped.values():
        yield _merged(rows, source)


def _columns(head: list[str], source: str) -> list[str]:
    known = {column.lower(): column for column in COLUMNS}
    found = [known.get(cell.strip().lower(), cell.strip()) for cell in head]
    problems = [
        _fault(source, 1, f'unknown column "{name}"', fix=did_you_mean(name, COLUMNS))
        for name in found
        if name not in COLUMNS
    ]
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        said = f"column{'s' if len(missing) > 1 else ''} {', '.join(missing)} missing"
        problems.append(_fault(source, 1, said, fix="add to the first line"))
    if problems:
        raise PromotionFileError(problems)
    return found


def _fault(source: str, line: int, message: str, *, fix: str) -> Problem:
    return Problem(
        file=source, line=line, column=0, path="", message=message,
        expected=f"columns {', '.join(REQUIRED)}, and if wanted others of {', '.join(COLUMNS)}", fix=fix,
    )  # fmt: skip


def _row(
    cells: list[str], columns: list[str], *, file: str, line: int
) -> tuple[dict[str, object], list[Problem]]:
    if len(cells) != len(columns):
        said = f"has {len(cells)} cells, the first line has {len(columns)}"
        return {}, [_fault(file, line, said, fix="quote cells that hold the separator")]
    row: dict[str, object] = {}
    problems: list[Problem] = []
    for column, cell in zip(columns, cells, strict=True):
        text = cell.strip()
        if not text:
            continue
        try:
            row[column] = _number(text) if column in NUMBERS else text
        except ValueError:
            problems.append(
                Problem(
                    file=file, line=line, column=0, path=column, message=f'"{text}" is no number',
                    expected="a number such as 12000 or 0.9", fix="write digits without separators or units",
                )
            )  # fmt: skip
    return row, problems


def _number(text: str) -> int | float:
    return int(text) if text.isdecimal() else float(text)


def _contradictions(rows: list[tuple[int, dict[str, object]]], source: str) -> list[Problem]:
    first_line, first = rows[0]
    return [
        Problem(
            file=source, line=line, column=0, path=column,
            message=f'"{row[column]}" contradicts line {first_line}', expected=f'"{first.get(column, "")}", or empty',
            fix="leave it empty, or use another name",
        )
        for line, row in rows[1:]
        for column in (*OF_PROMOTION, "budget")
        if column in row and row[column] != first.get(column)
    ]  # fmt: skip


def _merged(rows: list[tuple[int, dict[str, object]]], source: str) -> Row:
    first_line, first = rows[0]
    plain = {column: first[column] for column in OF_PROMOTION if column in first}
    if "budget" in first:
        plain["budget"] = {"nodeHours": first["budget"]}
    plain["workloads"] = [_workload(row) for _, row in rows]
    added: dict[object, object] = {}
    for _, row in rows:
        if "addNodes" in row:
            added[row.get("pool")] = row["addNodes"]
    if added:
        plain["nodes"] = [{"pool": pool, "add": add} for pool, add in added.items()]

    def line(path: str) -> int:
        index = path.removeprefix("workloads[").partition("]")[0]
        return rows[int(index)][0] if index.isdecimal() and int(index) < len(rows) else first_line

    return plain, Source(source, line), first_line


def _workload(row: dict[str, object]) -> dict[str, object]:
    named: dict[str, object] = {"name": row.get("workload")}
    kind = {"kind": row["kind"]} if "kind" in row else {}
    more = {column: row[column] for column in OF_WORKLOAD if column in row}
    return named | {"ref": kind | {"name": row.get("workload")}} | more
