"""Whether a process of the cloud serves: by its ready file, or by asking an engine, which writes none."""

from pathlib import Path

from chaos.database import database_answers
from chaos.probes import broker_answers
from contracts.cloud import CloudState, ProcessRecord
from runtime.ready import read_ready

ANSWER_S = 1.0


def is_ready(record: ProcessRecord, state: CloudState) -> bool:
    """Whether this very process serves what it is there for."""
    match record.role:
        case "kafka":
            return broker_answers(state.endpoints[f"kafka.{record.site}"], timeout_s=ANSWER_S)
        case "postgres":
            return database_answers(state.endpoints["ledger.dsn"])
        case _:
            ready = read_ready(Path(record.ready))
            return ready is not None and ready.pid == record.pid
