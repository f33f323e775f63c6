"""One loaded policy and topology, compiled and self-tested: what a request is judged under, as a whole.

A swap replaces the generation in one assignment; each attempt asks for the newest one.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from contracts.settings import RouterSettings
from policy.classify import Classifier
from policy.detect import SelfTestError
from policy.globs import GlobFault
from policy.load import load_policy
from policy.load_topology import load_topology
from policy.model import Body, HeldBody, HoldBody, Policy, RequestHead, Sensitivity, Verdict
from policy.patterns import PatternFault
from policy.problems import PolicyError
from policy.topology import Topology
from router.egress import Egress, open_egress

_NOTHING = HeldBody(data=b"")


class ConfigError(Exception):
    """A policy, topology or settings file that must not be used; the text says what, where and the fix."""


@dataclasses.dataclass(frozen=True, slots=True)
class Generation:
    """Policy, topology and the classifier compiled from them; `number` counts swaps."""

    number: int
    policy: Policy
    topology: Topology
    classifier: Classifier
    _egresses: dict[tuple[str, Sensitivity], Egress] = dataclasses.field(default_factory=dict)

    def with_topology(self, topology: Topology) -> "Generation":
        """The same files with other endpoints: what was judged under it stays judged."""
        return Generation(self.number, self.policy, topology, self.classifier)

    def egress(self, verdict: Verdict) -> Egress:
        """Where this verdict may go."""
        key = (verdict.route.id if verdict.route else "", verdict.sensitivity)
        egress = self._egresses.get(key)
        if egress is None:
            egress = self._egresses[key] = open_egress(verdict, self.policy, self.topology)
        return egress

    def judge(self, head: RequestHead, body: Body | None) -> Verdict:
        """The verdict on a request whose body is known as far as it ever will be."""
        answer = self.classifier.head(head)
        if not isinstance(answer, HoldBody):
            return answer
        return self.classifier.body(answer, head, body if body is not None else _NOTHING)


def load_generation(settings: RouterSettings, number: int) -> Generation:
    """Read, compile and self-test the configured files. Raises `ConfigError`."""
    try:
        policy = load_policy(_read(settings.policy), settings.policy)
        topology = load_topology(_read(settings.topology), settings.topology, policy)
        classifier = Classifier(policy, scan="scan" not in settings.disable)
    except PolicyError as error:
        raise ConfigError(str(error)) from error
    except (SelfTestError, PatternFault, GlobFault) as error:
        raise ConfigError(
            f"{settings.policy}: does not compile ({error}); expected patterns and globs that do; "
            "fix: isthmus policy check names the place"
        ) from error
    check_placement(settings, policy, topology)
    generation = Generation(number, policy, topology, classifier)
    self_test(generation)
    return generation


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); expected a readable file; "
            "fix: name an existing file in the settings"
        ) from error


def check_placement(settings: RouterSettings, policy: Policy, topology: Topology) -> None:
    """Refuse a router that stands, or would reach, where its placement forbids. Raises `ConfigError`."""
    trusted = {name for name in policy.sites if policy.may_hold(name, Sensitivity.SENSITIVE)}
    if settings.site not in policy.sites:
        raise ConfigError(
            f'site: "{settings.site}" is not a site of {settings.policy}; '
            f"expected one of {', '.join(sorted(policy.sites))}; fix: name the site this router runs in"
        )
    if (settings.placement == "core") != (settings.site in trusted):
        expected = (
            "a site that holds" if settings.placement == "core" else "a site that does not hold"
        )
        raise ConfigError(
            f'site: a {settings.placement} router cannot stand in "{settings.site}"; '
            f"expected {expected} sensitive data; fix: change site or placement"
        )
    if settings.placement == "edge":
        private = [site.name for site in topology.sites if site.name in trusted]
        if private:
            raise ConfigError(
                f'{settings.topology}: an edge router must not know site "{private[0]}"; '
                "expected only sites that do not hold sensitive data; "
                "fix: give the edge a topology of its own"
            )


def self_test(generation: Generation) -> None:
    """Ask the compiled whole once per route what it must never get wrong. Raises `ConfigError`."""
    policy = generation.policy
    for route in policy.routes:
        for sensitivity in Sensitivity:
            verdict = Verdict(
                sensitivity=sensitivity,
                traffic_class="public" if sensitivity is Sensitivity.PUBLIC else "sensitive",
                route=route,
                reasons=(),
            )
            for outlet in generation.egress(verdict).outlets:
                if not policy.may_hold(outlet.site, sensitivity):
                    raise ConfigError(
                        f"route {route.id}: self-test reached site {outlet.site}; "
                        "expected only sites that may hold the class; fix: report this, it is a defect"
                    )


Current = Callable[[], Generation]
"""Gives the generation in force now."""
