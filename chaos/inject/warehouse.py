"""The warehouse closed to everybody while the ledger beside it goes on: orders must not notice."""

from chaos.database import DatabaseError, database_answers, set_open
from chaos.faults import TTL_S, Fault, FaultError, Faults
from chaos.lifecycle import NotHealedError, fault_errors, fault_record
from contracts.fault import FaultRecord, Lease


def close_warehouse(
    faults: Faults, *, endpoint: str = "warehouse.dsn", ttl_s: float = TTL_S
) -> Fault:
    """End every connection to the warehouse and take no new one until healed. Raises `FaultError`."""
    with fault_errors("warehouse_close"):
        dsn = faults.cloud.endpoint(endpoint)
    if not database_answers(dsn):
        raise FaultError(f"warehouse_close: {endpoint}: expected a database that answers before")
    # the lease names the endpoint: a DSN changes with the cloud, and belongs in no journal
    lease = faults.take("warehouse_close", (endpoint,), ttl_s=ttl_s)

    def inject(lease: Lease) -> FaultRecord:
        at_mono_ns = faults.clock.mono_ns()
        try:
            set_open(dsn, is_open=False)
        except DatabaseError as error:
            raise FaultError(f"warehouse_close: {error}") from error
        closed = not database_answers(dsn)
        proof = f"answered before, {'refuses' if closed else 'STILL ANSWERS'} when closed"
        return fault_record(lease, at_mono_ns, proven=closed, proof=proof)

    def prove(record: FaultRecord) -> tuple[bool, str]:
        if not database_answers(dsn):
            raise NotHealedError("warehouse_close: expected an answer after the heal")
        return record.proven, "answers again"

    return faults.put(lease, inject, prove)
