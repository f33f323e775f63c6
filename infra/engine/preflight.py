"""Everything that can be known to be wrong before the engine changes anything: all of it at once, each with its fix.

Configuration, policy, credentials, this machine. What only a cloud can know (quotas, rights, reachability) is not
asked here: an outage of one cloud must not stop the others.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import msgspec

from contracts.cluster import ClusterSpec
from infra import offers
from infra.config import ConfigError, Settings, parse, refuse_plain
from infra.documents import SiteFacts, TopologyReader, topology
from infra.drivers.contract import Order
from infra.drivers.demands import check_driver
from infra.drivers.existing import kubeconfig_text, usable
from infra.drivers.local_cluster import spec_for
from infra.names import SITES, Site
from infra.needs import check_needs
from infra.orchestrate import JOINED, Part, stack_name
from infra.policy_file import read_policy
from infra.pools import pools
from infra.workloads import workloads
from policy.model import Policy
from policy.problems import PolicyError

Lacks = Callable[[ClusterSpec], tuple[str, ...]]
"""What this machine lacks for a cluster of its own, each with its fix."""

_STORES: dict[Site, offers.Outputs] = {
    "public": {offers.KAFKA: ["10.1.0.1:9092"]},
    "private": {offers.KAFKA: ["10.2.0.1:9092"], offers.LEDGER_DSN: "dbname=x", offers.WAREHOUSE_DSN: "dbname=x"},
}  # fmt: skip
"""What a cluster of this machine will offer; its addresses are drawn when it is made."""
_DRAWN: dict[Site, str] = {"public": "10.1.0.0/16", "private": "10.2.0.0/16"}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, where, expected, fix; `configured` tells a mistake in a file from a lack of the machine."""

    text: str
    configured: bool


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A stack's configuration: texts by key without project; `secret` are the keys that are encrypted."""

    values: Mapping[str, str]
    secret: Collection[str] = ()


class Preflight:
    """One environment's stacks, looked at together."""

    def __init__(self, environment: str, root: Path, *, now: dt.datetime, lacks: Lacks) -> None:
        self._environment = environment
        self._root = root
        self._now = now
        self._lacks = lacks
        self._found: dict[Problem, None] = {}
        self._settings: dict[Part, Settings] = {}
        self._policies: dict[Part, Policy] = {}

    def check(self, given: Mapping[Part, Given]) -> tuple[Problem, ...]:
        """Every problem once, in the order of the stacks."""
        for part, it in given.items():
            self._tried(part, lambda part=part, it=it: self._read(part, it))
        for site in SITES:
            if site in self._settings:
                self._tried(site, lambda site=site: self._cluster(site))
        if JOINED in self._policies:
            self._tried(JOINED, self._fabric)
        self._one_policy()
        return tuple(self._found)

    def _tried(self, part: Part, check: Callable[[], None]) -> None:
        try:
            check()
        except (ConfigError, PolicyError) as error:
            self._wrong(f"{stack_name(self._environment, part)}: {error}")

    def _wrong(self, text: str, *, configured: bool = True) -> None:
        self._found[Problem(text=text, configured=configured)] = None

    def _read(self, part: Part, given: Given) -> None:
        refuse_plain(given.values, given.secret)
        settings = self._settings[part] = parse(given.values)
        self._policies[part], _ = read_policy(settings, self._root)

    def _cluster(self, site: Site) -> None:
        settings = self._settings[site]
        check_driver(site, self._environment, settings)
        match settings.driver:
            case "existing":
                usable(kubeconfig_text(settings, self._root), self._now)
            case "local":
                order = Order(
                    environment=self._environment, site=site, settings=settings,
                    pools=pools(site, settings), root=self._root,
                )  # fmt: skip
                for lack in self._lacks(spec_for(order)):
                    self._wrong(lack, configured=False)
            case "eks" | "ack" | "k3s-ssh":
                pass

    def _fabric(self) -> None:
        policy = self._policies[JOINED]
        settings = offers.completed(self._settings[JOINED], self._offered)
        listed = workloads(settings, policy)
        check_needs(settings, listed, policy)
        facts = tuple(self._facts(site, settings) for site in settings.sites)
        for reader in self._readers(settings):
            topology(reader, facts, workloads=listed, settings=settings, policy=policy)

    def _offered(self, site: Site) -> offers.Outputs:
        cluster = self._settings.get(site)
        own = cluster is not None and cluster.driver == "local" and cluster.stores
        return _STORES[site] if own else {}

    def _facts(self, site: Site, settings: Settings) -> SiteFacts:
        """Networks as configured, or as good as those that will be drawn."""
        cluster = self._settings.get(site, Settings())
        brokers = {"public": settings.kafka_public, "private": settings.kafka_private}
        return SiteFacts(
            site=site, networks=cluster.networks or (_DRAWN[site],), kafka=brokers[site]
        )

    @staticmethod
    def _readers(settings: Settings) -> Iterator[TopologyReader]:
        if "public" in settings.sites:
            yield "edge"
        if "private" in settings.sites:
            yield "core"
            yield "bridge"

    def _one_policy(self) -> None:
        """The clusters' admission and the fabric's routers must not obey two."""
        files: dict[Part, tuple[str, str]] = {
            part: (self._settings[part].policy, it.digest) for part, it in self._policies.items()
        }
        if len({digest for _, digest in files.values()}) > 1:
            said = ", ".join(
                f"{stack_name(self._environment, part)} {path}" for part, (path, _) in files.items()
            )
            self._wrong(
                f"isthmus:policy: the stacks obey different policies: {said}; expected one for all of "
                f"{self._environment}; fix: pulumi config set isthmus:policy PATH -s each of them"
            )
