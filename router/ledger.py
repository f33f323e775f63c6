"""One decision, written once: to the evidence and to the metric that counts the same, in one call.

So `sum(isthmus_router_decisions_total)` equals the records of the evidence whenever the public counters
have been flushed, and anybody can check it from outside.
"""

from contracts.evidence import DecisionKind
from policy.model import Verdict
from router.evidence import EvidenceWriter
from router.metrics import Metrics

CLIENT_GONE = 499
"""No answer was wanted any more: the client closed first (nginx's number for it)."""


class Ledger:
    """Where decisions go."""

    def __init__(self, evidence: EvidenceWriter, metrics: Metrics) -> None:
        self._evidence = evidence
        self.metrics = metrics

    def forwarded(self, policy: str, verdict: Verdict, *, site: str, status: int) -> None:
        """A request that was judged and answered by a service, or refused for want of one.

        A public one that no service answered counts as refused.
        """
        route = verdict.route.id if verdict.route is not None else ""
        match verdict.traffic_class:
            case "public":
                if site:
                    self._evidence.count_public(policy, route, site)
                    self.metrics.decision("public_count")
                else:
                    self._write("refused", policy, route, status=status, reasons=("unavailable",))
            case "sensitive" | "raised" as kind:
                self.metrics.raised += kind == "raised"
                reasons = tuple(str(reason) for reason in verdict.reasons)
                self._write(kind, policy, route, site=site, status=status, reasons=reasons)
        self.metrics.request(route, verdict.traffic_class, site=site, status=status)

    def refused(
        self, policy: str, verdict: Verdict | None, *, status: int, reasons: tuple[str, ...]
    ) -> None:
        """A request that was answered without asking any service: no route, wrong door, not HTTP."""
        route = verdict.route.id if verdict is not None and verdict.route is not None else ""
        traffic = verdict.traffic_class if verdict is not None and verdict.route else "none"
        self._write("refused", policy, route, status=status, reasons=reasons)
        self.metrics.request(route, traffic, site="", status=status)

    def blocked(self, policy: str, verdict: Verdict, *, site: str, finding: str) -> None:
        """The guard stopped a request on its way to `site`."""
        route = verdict.route.id if verdict.route is not None else ""
        self.metrics.guard_blocks += 1
        self._write(
            "guard_block", policy, route, site=site, status=502, reasons=(f"guard:{finding}",)
        )
        self.metrics.request(route, verdict.traffic_class, site="", status=502)

    def configured(self, policy: str, reason: str) -> None:
        """A swap took place; a marker, not a decision."""
        self._evidence.record("config", policy=policy, reasons=(reason,))

    def flush(self) -> None:
        """Write the public counters out."""
        self._evidence.flush()

    def close(self) -> None:
        """Write the public counters and the proper end."""
        self._evidence.close()

    def _write(  # noqa: PLR0913 - the fields of a record, by name
        self,
        kind: DecisionKind,
        policy: str,
        route: str,
        *,
        status: int,
        reasons: tuple[str, ...],
        site: str = "",
    ) -> None:
        self._evidence.record(
            kind, policy=policy, route=route, site=site, status=status, reasons=reasons
        )
        self.metrics.decision(kind)
