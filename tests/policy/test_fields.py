"""The closed grammar of field rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.fields import RuleFault, parse_rule


@pytest.mark.parametrize(
    ("text", "kind", "arguments"),
    [
        ("drop", "drop", ()), ("keep:text", "keep", ("text",)), ("keep:int", "keep", ("int",)),
        ("keep:num", "keep", ("num",)), ("keep:enum(hz, sh,bj)", "keep", ("enum", "hz", "sh", "bj")),
        ("bucket(100)", "bucket", ("100",)), ("mask(3, 4)", "mask", ("3", "4")),
        ("hmac(user)", "hmac", ("user",)), ("date(day)", "date", ("day",)), ("date(month)", "date", ("month",)),
    ],
)  # fmt: skip
def test_every_rule_of_the_grammar(text: str, kind: str, arguments: tuple[str, ...]) -> None:
    """Arguments are kept as written, without blanks."""
    rule = parse_rule("city", text)
    assert (rule.field, rule.kind, rule.arguments) == ("city", kind, arguments)


@pytest.mark.parametrize(
    "text",
    [
        "", "keep", "keep:", "keep:all", "keep:enum()", "keep:enum(a,,b)", "keep:enum(a,a)", "bucket()",
        "bucket(0)", "bucket(-1)", "bucket(1.5)", "bucket(1,2)", "bucket(9999999999999)", "bucket(٣)",
        "mask(3)", "mask(3,-1)", "mask(3,65)", "mask(a,b)", "hmac()", "hmac(a,b)", "hmac(1x)",
        "date(year)", "date()", "drop()", "keep:text ", "Keep:text", "hash(user)",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_a_way_out(text: str) -> None:
    """The fault says what is wrong, what was expected and how to mend it."""
    with pytest.raises(RuleFault) as caught:
        parse_rule("city", text)
    assert caught.value.message
    assert caught.value.expected
    assert caught.value.fix


@given(st.text(max_size=30))
def test_any_text_is_a_rule_or_a_fault(text: str) -> None:
    """Nothing else is raised."""
    try:
        parse_rule("f", text)
    except RuleFault:
        return
