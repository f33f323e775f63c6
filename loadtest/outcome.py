"""What an answer means for the client: ok, shed, failed or unknown, and whether an order is sent again.

Pure. Only orders are sent again, always under the same idempotency key.
"""

from typing import Literal, assert_never

import msgspec

from contracts.load import Door, Outcome, TrafficClass
from loadtest.plan import Action

Failure = Literal["", "refused", "reset", "timeout"]
"""Why there is no answer: `refused` = no byte left, `reset` and `timeout` = bytes may have been acted on."""

ATTEMPTS_MAX = 8
BACKOFF_FIRST_S = 0.05
BACKOFF_MAX_S = 1.0
SHED = frozenset({429, 503})

_EXPECTED: dict[Action, frozenset[int]] = {
    "ads": frozenset({200}),
    "click": frozenset({202}),
    "order": frozenset({200, 201}),
    "order_conflict": frozenset({422}),
    "profile_put": frozenset({200, 201, 204}),
    "profile_get": frozenset({200}),
}


COMMITTED = _EXPECTED["order"]
"""Answers of the tenant's orders service that acknowledge an order."""


class Retry(msgspec.Struct, frozen=True):
    """Send the order again after `delay_s`."""

    delay_s: float


class Final(msgspec.Struct, frozen=True):
    """Nothing more is sent; this is how the request ended."""

    outcome: Outcome


def outcome_of(
    action: Action, *, expected: TrafficClass, door: Door, status: int, failure: Failure
) -> Outcome:
    """How one answer, or its absence, counts.

    A raised request at the edge is right only when refused with 421: any other answer there is `failed`.
    Without an answer a click is `unknown` once bytes left; what is idempotent is `failed`.
    """
    match failure:
        case "":
            pass
        case "refused":
            return "failed"
        case "reset" | "timeout":
            return "unknown" if action == "click" else "failed"
        case _:
            assert_never(failure)
    if status in SHED:
        return "shed"
    if expected == "raised" and door == "edge":
        return "ok" if status == 421 else "failed"
    return "ok" if status in _EXPECTED[action] else "failed"


def history_kind(
    *, status: int, failure: Failure, expected: frozenset[int] = COMMITTED
) -> Literal["ok", "fail", "info"]:
    """What one order attempt proves: committed (`expected`), surely not committed, or nothing.

    A 5xx proves nothing: whoever answered it may have lost the answer of a commit.
    """
    if failure == "refused":
        return "fail"
    if failure or status >= 500:
        return "info"
    return "ok" if status in expected else "fail"


def after_order_attempt(
    outcome: Outcome, *, attempt: int, status: int, elapsed_s: float, budget_s: float
) -> Retry | Final:
    """Whether an order is sent again: after no answer, a 5xx, or 409 (its first send is still at work).

    `attempt` counts from 1; the pause doubles from 50 ms to 1 s; at most 8 attempts
    within `budget_s`.
    """
    again = outcome != "ok" and (status in {0, 409} or status >= 500)
    delay_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** (attempt - 1))
    if again and attempt < ATTEMPTS_MAX and elapsed_s + delay_s < budget_s:
        return Retry(delay_s)
    return Final(outcome)
