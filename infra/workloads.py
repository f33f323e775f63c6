"""Which programs run on which site, and in what shape: a pure function of settings and policy.

A workload is only ever listed for a site whose `holds` covers its class; a policy under which that cannot be
is an error here, before anything is described to the engine.
"""

from typing import Literal

import msgspec

from contracts.cluster import TrafficClass
from infra.config import ConfigError, Settings, wrong
from infra.names import SITES, Exposure, Site
from policy.model import Policy, Sensitivity

Kind = Literal["router-edge", "router-core", "bridge", "ads", "clicks", "orders", "profiles"]
Service = Literal["ads", "clicks", "orders", "profiles"]
SERVICES: tuple[Service, ...] = ("ads", "clicks", "orders", "profiles")

_SENSITIVITY = {"public": Sensitivity.PUBLIC, "sensitive": Sensitivity.SENSITIVE}


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """One Deployment. `replicas_max` 0: no scaler owns its size. CPU in millicores, memory in MiB (request is limit).

    CPU has no limit: throttling a router costs milliseconds that failover does not have.
    """

    kind: Kind
    site: Site
    traffic_class: TrafficClass
    pool: str
    replicas: int
    replicas_max: int = 0
    cpu_millicores: int
    memory_mib: int
    exposure: Exposure | None = None

    @property
    def name(self) -> str:
        """Its name in the namespace: the kind, since a kind runs once per site."""
        return self.kind

    @property
    def router(self) -> bool:
        """Whether it is a router: it has a probe port and reads endpoints."""
        return self.kind in {"router-edge", "router-core"}

    @property
    def serves(self) -> bool:
        """Whether it listens for requests; the bridge opens every connection itself."""
        return self.kind != "bridge"


def workloads(settings: Settings, policy: Policy) -> tuple[Workload, ...]:
    """Every workload on the sites asked for. Raises `ConfigError`."""
    listed = tuple(
        it for it in _all(settings) if it.site in settings.sites and not _idle(it, settings)
    )
    for it in listed:
        if not policy.may_hold(it.site, _SENSITIVITY[it.traffic_class]):
            raise wrong(
                "policy", what=f"site {it.site} may not hold {it.traffic_class}, and {it.name} does",
                expected=f"sites.{it.site}.holds with {it.traffic_class}",
                fix=f"add it in {settings.policy}, or leave {it.site} out of isthmus:sites",
            )  # fmt: skip
    _check_routes(settings, policy)
    return listed


def _all(settings: Settings) -> tuple[Workload, ...]:
    return (*_public(settings), *_private(settings))


def _idle(workload: Workload, settings: Settings) -> bool:
    """A bridge without the other side: its public site is not installed, and nobody said where its brokers are."""
    return (
        workload.kind == "bridge" and "public" not in settings.sites and not settings.kafka_public
    )


def _public(settings: Settings) -> tuple[Workload, ...]:
    routers, routers_max = settings.router_replicas, settings.router_replicas_max
    return (
        Workload(
            kind="router-edge", site="public", traffic_class="public", pool="edge",
            replicas=routers, replicas_max=routers_max, cpu_millicores=500, memory_mib=256,
            exposure=settings.edge_exposure,
        ),
        Workload(
            kind="ads", site="public", traffic_class="public", pool="ads",
            replicas=settings.ad_replicas, replicas_max=settings.ad_replicas_max,
            cpu_millicores=100, memory_mib=128,
        ),
        Workload(
            kind="clicks", site="public", traffic_class="public", pool="edge",
            replicas=2, cpu_millicores=100, memory_mib=192,
        ),
    )  # fmt: skip


def _private(settings: Settings) -> tuple[Workload, ...]:
    routers, routers_max = settings.router_replicas, settings.router_replicas_max
    return (
        Workload(
            kind="router-core", site="private", traffic_class="sensitive", pool="core",
            replicas=routers, replicas_max=routers_max, cpu_millicores=500, memory_mib=256,
            exposure=settings.core_exposure,
        ),
        Workload(
            kind="bridge", site="private", traffic_class="sensitive", pool="core",
            replicas=1, cpu_millicores=250, memory_mib=384,
        ),
        Workload(
            kind="orders", site="private", traffic_class="sensitive", pool="core",
            replicas=2, cpu_millicores=100, memory_mib=128,
        ),
        Workload(
            kind="profiles", site="private", traffic_class="sensitive", pool="core",
            replicas=2, cpu_millicores=100, memory_mib=128,
        ),
        Workload(
            kind="ads", site="private", traffic_class="public", pool="reserve",
            replicas=1, cpu_millicores=100, memory_mib=128,
        ),
        Workload(
            kind="clicks", site="private", traffic_class="public", pool="reserve",
            replicas=1, cpu_millicores=100, memory_mib=192,
        ),
    )  # fmt: skip


def _check_routes(settings: Settings, policy: Policy) -> None:
    """Each route must lead to a service that some site may run for its class."""
    homes = {(it.kind, it.site) for it in _all(settings)}
    for route in policy.routes:
        sites = [
            site
            for site in SITES
            if (route.service, site) in homes and policy.may_hold(site, route.sensitivity)
        ]
        if not sites:
            raise ConfigError(
                f"{settings.policy}: routes: {route.id}: service {route.service} runs on no site that may hold "
                f"{route.sensitivity.name.lower()}; expected one of {', '.join(SERVICES)} with a class its sites may "
                f"hold; fix: correct the route's service or class, then isthmus policy check {settings.policy}"
            )
