"""JUnit XML: well-formed, one case per reason id, violations failed and missing proofs in error."""

from typing import get_args
from xml.etree import ElementTree as ET

import msgspec

from contracts.gate import GateReason, GateReasonId
from loadtest.gate.judge import judge
from loadtest.gate.junit import junit
from tests.loadtest.gate.runs import GOOD, SLO

REPORT = judge(GOOD, SLO, {})


def suite(report):
    return ET.fromstring(junit(report)).find("testsuite")


def test_a_good_run_passes_every_case():
    """As many cases as there are reasons, and the verdict as a property."""
    found = suite(REPORT)
    assert found.get("failures") == found.get("errors") == "0"
    assert {case.get("name") for case in found.iter("testcase")} == set(get_args(GateReasonId))
    assert found.find("properties/property").get("value") == "GO"


def test_a_violation_fails_and_a_missing_proof_is_an_error():
    """Each with its scope in the name, what was measured, and the limit; markup in a scope does no harm."""
    reasons = (
        GateReason(id="p99", scope="public", measured=9, limit=5),
        GateReason(id="rto", scope='<"&>', measured=9, limit=5),
        GateReason(id="clock_jump", measured=600, limit=500),
    )
    found = suite(msgspec.structs.replace(REPORT, verdict="NO-GO", reasons=reasons))
    assert (found.get("failures"), found.get("errors")) == ("2", "1")
    failed = {case.get("name"): case[0].tag for case in found.iter("testcase") if len(case)}
    assert failed == {"p99: public": "failure", 'rto: <"&>': "failure", "clock_jump": "error"}
    assert found.find(".//failure").get("message") == "measured 9, limit 5"
    names = [case.get("name") for case in found.iter("testcase")]
    assert len(names) == len(set(names)) == int(found.get("tests"))
