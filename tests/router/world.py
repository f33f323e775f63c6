"""Builders of small policies, topologies and verdicts for the pure parts."""

import ipaddress

from policy.model import (
    Policy,
    RequestHead,
    Route,
    RouteMatch,
    Sensitivity,
    SitePolicy,
    TrafficClass,
    Verdict,
)
from policy.topology import Endpoint, Site, Topology

PUBLIC, SENSITIVE = Sensitivity.PUBLIC, Sensitivity.SENSITIVE


def route(service: str = "ads", *, sensitivity: Sensitivity = PUBLIC, **kw) -> Route:
    return Route(
        id=service,
        match=RouteMatch(hosts=("*",), methods=(), paths=("/**",)),
        sensitivity=sensitivity,
        service=service,
        **kw,
    )


def policy(holds: dict[str, frozenset[Sensitivity]], *routes: Route) -> Policy:
    return Policy(
        version="isthmus/v1",
        sites={name: SitePolicy(name=name, holds=held) for name, held in holds.items()},
        detectors=("cn-mobile",),
        custom_detectors=(),
        routes=routes or (route(),),
        secrets={},
        streams=(),
        digest="d" * 64,
    )


def endpoint(number: int, *, site: int = 1) -> Endpoint:
    return Endpoint(host=f"127.0.{site}.{number}", port=8000 + number, node=f"n{number}")


def topology(sites: dict[str, dict[str, tuple[Endpoint, ...]]], *, reserve=None) -> Topology:
    return Topology(
        version="isthmus/v1",
        sites=tuple(
            Site(
                name=name,
                networks=(ipaddress.ip_network("127.0.0.0/8"),),
                services=services,
                reserve=(reserve or {}).get(name, {}),
            )
            for name, services in sites.items()
        ),
        digest="t" * 64,
    )


def verdict(
    traffic: TrafficClass = "public",
    *,
    of: Route | None = None,
    sensitivity: Sensitivity | None = None,
) -> Verdict:
    given = PUBLIC if traffic == "public" else SENSITIVE
    return Verdict(
        sensitivity=given if sensitivity is None else sensitivity,
        traffic_class=traffic,
        route=of or route(),
        reasons=(),
    )


def head(
    target: bytes = b"/ads", *, method: str = "GET", headers=((b"Host", b"h"),), **kw
) -> RequestHead:
    kw.setdefault("has_body", False)
    return RequestHead(method=method, target=target, host="h", headers=tuple(headers), **kw)
