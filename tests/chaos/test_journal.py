"""Twin of chaos/journal.py."""

from pathlib import Path

import msgspec

from chaos.journal import Journal
from contracts.fault import FaultRecord


def record(number: int, **changes: object) -> FaultRecord:
    plain = FaultRecord(
        id=f"{number:02}-link_cut", kind="link_cut", targets=("s",), injected_mono_ns=number,
        proven=True, proof="silent",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def test_the_last_line_of_a_fault_is_what_is_known(tmp_path: Path) -> None:
    """Heals replace injections, in order of injection, and a torn line is left out."""
    journal = Journal(tmp_path / "faults.ndjson")
    assert journal.records() == ()
    for line in (record(1), record(2), record(1, healed_mono_ns=9)):
        journal.append(line)
    with journal.path.open("ab") as file:
        file.write(b'{"id":"03')
    assert journal.records() == (record(1, healed_mono_ns=9), record(2))
