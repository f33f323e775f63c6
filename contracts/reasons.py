"""The closed list of reason ids a verdict may name, and what each one measures."""

from typing import Literal

ReasonId = Literal[
    "leak_public",  # canaries seen at a public tap, topic, disk or log
    "guard_block",  # the scan missed, the guard did not
    "scan_miss",  # canaries the router did not raise although planted
    "orders_lost",
    "orders_duplicate",
    "orders_phantom",
    "orders_mismatch",
    "orders_failed",  # orders that failed or were turned away for good
    "events_lost",
    "events_duplicate",
    "failed_idempotent",
    "rto_node_kill",
    "rto_link_cut",
    "edge_failed",
    "evidence_chain",
    "evidence_records",
    "mechanism_disabled",  # a protecting mechanism was switched off on purpose: never GO
    "fault_not_proven",  # a fault of the schedule that is missing or was not seen to take effect
    "fault_not_healed",
    "nothing_measured",  # kinds of work of which there was none: a run without orders proves nothing of orders
    "tap_beacons",
    "tap_errors",
    "generator_late",
    "generator_short",
    "machine_starved",  # a time limit was broken while the routers had to wait for a processor
    "clock_jump",
    "drain_timeout",
]

INVALIDATING: frozenset[ReasonId] = frozenset(
    {
        "mechanism_disabled",
        "nothing_measured",
        "fault_not_proven",
        "tap_beacons",
        "tap_errors",
        "generator_late",
        "generator_short",
        "machine_starved",
        "clock_jump",
        "drain_timeout",
    }
)
"""Reasons that only make a run INVALID: it proves nothing. A measured violation beside them is still NO-GO."""

TIMED: frozenset[ReasonId] = frozenset({"rto_node_kill", "rto_link_cut"})
"""Limits in milliseconds: unmeasured, not broken, on a machine that let neither router nor generator run."""

UNTIMED: frozenset[ReasonId] = frozenset({"generator_late", "generator_short", "machine_starved"})
"""Reasons that leave nothing in milliseconds to be believed."""
