"""A decision is written once, to evidence and metric alike."""

from pathlib import Path

import msgspec
import pytest

from policy.model import Reason
from router.audit import verify
from router.evidence import EvidenceWriter
from router.ledger import Ledger
from router.metrics import Metrics
from tests.router.world import route, verdict


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(EvidenceWriter(tmp_path, "w0", wall_ns=lambda: 1), Metrics(list))


def decided(ledger: Ledger) -> dict[str, int]:
    return {
        line.split('"')[1]: int(float(line.rpartition(" ")[2]))
        for line in ledger.metrics.render().decode().splitlines()
        if line.startswith("isthmus_router_decisions_total{")
    }


def test_evidence_and_decisions_agree_for_every_kind(ledger: Ledger, tmp_path: Path) -> None:
    """Public, sensitive, raised, refused and blocked: the same numbers on both sides."""
    raised = msgspec.structs.replace(
        verdict("raised"), reasons=(Reason(rule="detector", detail="cn-mobile", where="query"),)
    )
    ledger.forwarded("p", verdict(), site="public", status=200)
    ledger.forwarded("p", verdict(), site="private", status=200)
    ledger.forwarded("p", verdict(), site="", status=503)
    ledger.forwarded("p", verdict("sensitive", of=route("orders")), site="private", status=201)
    ledger.forwarded("p", raised, site="private", status=200)
    ledger.refused("p", None, status=400, reasons=("http:malformed",))
    ledger.blocked("p", verdict(), site="public", finding="email")
    ledger.configured("p", "generation:2")
    ledger.flush()
    report = verify(tmp_path)
    assert report.by_kind == decided(ledger)
    assert report.by_kind == {
        "public_count": 2, "refused": 2, "sensitive": 1, "raised": 1, "guard_block": 1,
    }  # fmt: skip
    assert ledger.metrics.raised == 1
    assert ledger.metrics.guard_blocks == 1
    ledger.close()
    assert b"detector:cn-mobile:query" in next(tmp_path.glob("*.log")).read_bytes()
