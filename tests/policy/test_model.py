"""What the compiled policy promises by its shape."""

import msgspec
import pytest

from policy.load import load_policy
from policy.model import Reason, Sensitivity
from tests.policy.samples import DESIGN, demo_policy


def test_a_site_that_the_policy_does_not_name_holds_nothing() -> None:
    """Unknown places get nothing, public data neither."""
    policy = demo_policy()
    assert not policy.may_hold("elsewhere", Sensitivity.PUBLIC)
    assert policy.may_hold("public", Sensitivity.PUBLIC)
    assert not policy.may_hold("public", Sensitivity.SENSITIVE)


def test_classes_are_ordered() -> None:
    """Raising is the maximum of two."""
    assert max(Sensitivity.PUBLIC, Sensitivity.SENSITIVE) is Sensitivity.SENSITIVE


def test_reasons_read_as_rule_detail_place() -> None:
    """Parts that are missing leave no colon."""
    assert str(Reason(rule="detector", detail="email", where="query")) == "detector:email:query"
    assert str(Reason(rule="no_route")) == "no_route"


def test_a_policy_is_frozen() -> None:
    """Nothing changes a rule after it was judged."""
    policy = demo_policy()
    with pytest.raises(AttributeError):
        policy.routes[0].service = "x"  # pyright: ignore[reportAttributeAccessIssue]


def test_target_topics_are_prefixed_unless_renamed() -> None:
    """Two sites' topics of one name do not mix."""
    stream = load_policy(DESIGN, "p").streams[0]
    assert stream.target_topic == "public.clicks"
    assert msgspec.structs.replace(stream, rename="x").target_topic == "x"
