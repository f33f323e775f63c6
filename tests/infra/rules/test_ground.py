"""Which site a resource goes to, and when it is production; what cannot be told holds nothing sensitive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.infra.rules.world import GROUND, resource


@pytest.mark.parametrize(
    ("stack", "provider", "site"),
    [
        ("dev-public", "anything", "public"),
        ("prod-eu-private", "public", "private"),
        ("dev-fabric", "public", "public"),
        ("dev-fabric", "dev-private", "private"),
        ("dev-fabric", "private-cluster", "private"),
        ("dev-fabric", "public-private", ""),
        ("dev-fabric", "default_4_25_0", ""),
        ("dev-fabric", "", ""),
        ("whatever", "privately", ""),
        ("", "", ""),
    ],
)
def test_the_stack_says_the_site_else_the_provider(stack: str, provider: str, site: str) -> None:
    """A stack of one site wins over every name in it; two sites in a name are none."""
    assert GROUND.site_of(resource("Secret", stack=stack, provider=provider)) == site


@given(stack=st.text(max_size=20), provider=st.text(max_size=20))
def test_a_site_is_one_of_the_policy_s_or_none(stack: str, provider: str) -> None:
    """Whatever the names: never one the policy does not know."""
    site = GROUND.site_of(resource("Secret", stack=stack, provider=provider))
    assert site in {"", "public", "private"}


def test_an_unknown_site_holds_nothing_sensitive() -> None:
    """Unknown is treated as public."""
    assert GROUND.holds_sensitive("private")
    assert not any(GROUND.holds_sensitive(site) for site in ("", "public", "other"))


@pytest.mark.parametrize(
    ("stack", "production"),
    [("dev-public", False), ("dev2-fabric", False), ("test-public", False), ("e2e1-public", False),
     ("prod-public", True), ("shop-private", True), ("", True)],
)  # fmt: skip
def test_what_is_not_called_a_trial_is_production(stack: str, production: bool) -> None:  # noqa: FBT001
    """Fail closed: an environment of another name has to meet production's rules."""
    assert GROUND.is_production(resource("Secret", stack=stack)) is production
