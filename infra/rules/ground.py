"""Where a resource goes: which site, of which environment, under which policy. Pure.

The stack's name says the site (`<env>-public`, `<env>-private`); in a stack that spans sites (`<env>-fabric`)
the provider's name does. A site that cannot be told is one that holds nothing sensitive.
"""

from msgspec import Struct

from infra.rules.resource import Resource
from policy.model import Policy, Sensitivity

TRIALS = ("dev", "test", "local", "ci", "e2e", "try")
"""Beginnings of the names of environments that are no production; every other name is production."""


class Ground(Struct, frozen=True, kw_only=True):
    """The policy that all rules ask."""

    policy: Policy

    def site_of(self, resource: Resource) -> str:
        """The site a resource goes to, empty when it cannot be told."""
        part = resource.stack.rpartition("-")[2]
        if part in self.policy.sites:
            return part
        return self._named(resource.provider)

    def _named(self, provider: str) -> str:
        """The one site a provider's name is, or begins or ends with."""
        if provider in self.policy.sites:
            return provider
        ends = {provider.partition("-")[0], provider.rpartition("-")[2]}
        named = ends & self.policy.sites.keys()
        return named.pop() if len(named) == 1 else ""

    def holds_sensitive(self, site: str) -> bool:
        """Whether a site may hold sensitive data; one that cannot be told may not."""
        return self.policy.may_hold(site, Sensitivity.SENSITIVE)

    def is_production(self, resource: Resource) -> bool:
        """Whether its environment is a production one."""
        return not resource.stack.startswith(TRIALS)
