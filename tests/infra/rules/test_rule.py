"""A violation as it is shown."""

from infra.rules.rule import Violation


def test_a_violation_says_rule_place_fix_and_resource() -> None:
    """On one line."""
    shown = str(Violation(rule="r", urn="urn:x", message="m", remediation="do"))
    assert shown == "r: m; fix: do (urn:x)"
