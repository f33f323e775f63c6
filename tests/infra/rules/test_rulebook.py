"""All rules together: ids, words, and a whole stack at once."""

from hypothesis import given
from hypothesis import strategies as st

from infra.rules.rulebook import RULES, judge
from infra.rules.values import properties
from tests.infra.rules.test_values import JSON
from tests.infra.rules.world import GROUND, SENSITIVE, deployment, named, resource


def test_each_rule_has_a_name_of_its_own_a_demand_and_a_remedy() -> None:
    """And exactly one check."""
    assert len({rule.id for rule in RULES}) == len(RULES) == 8
    for rule in RULES:
        assert rule.demand.endswith(".")
        assert rule.remediation
        assert (rule.check is None) is not (rule.stack_check is None)


def test_a_stack_is_judged_as_a_whole() -> None:
    """Violations come by rule, with the URN of what breaks it."""
    stack = [
        resource("Deployment", deployment("x", labels=SENSITIVE, replicas=2), provider="default_4", name="a"),
        resource("HorizontalPodAutoscaler", named("h", spec={"scaleTargetRef": {"kind": "Deployment", "name": "x"}}), provider="default_4", name="b"),
    ]  # fmt: skip
    found = judge(stack, GROUND)
    assert [(it.rule, it.urn.rpartition("::")[2]) for it in found] == [
        ("sensitive-placement", "a"),
        ("explicit-provider", "a"),
        ("explicit-provider", "b"),
        ("one-owner-of-replicas", "a"),
    ]
    assert judge([], GROUND) == ()


@given(
    props=st.dictionaries(st.sampled_from(["metadata", "spec", "data", "items"]), JSON, max_size=4),
    kind=st.sampled_from(["Deployment", "Secret", "CronJob", "KafkaTopic", "Service", "SecretList", "Pod"]),
    stack=st.sampled_from(["dev-public", "prod-private", "x"]),
)  # fmt: skip
def test_no_properties_break_the_rules_themselves(
    props: dict[str, object], kind: str, stack: str
) -> None:
    """Whatever a program describes: an answer, never an exception (which the engine would take for a defect)."""
    made = resource(kind, {}, stack=stack)
    judge([type(made)(urn=made.urn, type=made.type, name="n", props=properties(props))], GROUND)
