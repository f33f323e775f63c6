"""The files a router or the bridge reads in its pod: topology and settings, from what the stacks know. Pure.

The topology is checked with the policy's own loader before it is put into a cluster: what a router would refuse
at start is refused here, with the place.
"""

import hashlib
from typing import Literal

import msgspec

from contracts.settings import BridgeSettings, RouterSettings
from infra.config import Settings
from infra.names import CONFIG, KUBECONFIG, NAMESPACE, PORT_HTTP, PORT_PROBE, STATE, Site
from infra.workloads import SERVICES, Workload
from policy.load_topology import load_topology
from policy.model import Policy

Placement = Literal["core", "edge"]
TopologyReader = Literal["core", "edge", "bridge"]
WAREHOUSE_ENV = "WAREHOUSE_DSN"


class SiteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the fabric knows of a site whose cluster is up."""

    site: Site
    networks: tuple[str, ...]
    kafka: tuple[str, ...] = ()


def topology(
    reader: TopologyReader,
    facts: tuple[SiteFacts, ...],
    *,
    workloads: tuple[Workload, ...],
    settings: Settings,
    policy: Policy,
) -> str:
    """topology.yaml as JSON, sites in order of preference; the edge's names no private site.

    Raises `policy.problems.PolicyError` when the policy refuses it.
    """
    known = [it for it in facts if reader != "edge" or it.site == "public"]
    sites = {it.site: _site(it, reader, workloads=workloads, settings=settings) for it in known}
    text = _json({"version": "isthmus/v1", "sites": sites})
    load_topology(text.encode(), f"topology of {reader}", policy)
    return text


def _site(
    facts: SiteFacts,
    reader: TopologyReader,
    *,
    workloads: tuple[Workload, ...],
    settings: Settings,
) -> dict[str, object]:
    site: dict[str, object] = {"networks": list(facts.networks)}
    if reader == "bridge":
        if facts.kafka:
            site["kafka"] = {"bootstrap": list(facts.kafka)}
        if facts.site == "private" and settings.warehouse_dsn:
            site["warehouse"] = {"dsn": f"env:{WAREHOUSE_ENV}"}
        return site
    kinds = {it.kind for it in workloads if it.site == facts.site}
    services = [name for name in SERVICES if name in kinds]
    site["services"] = {name: {"kubernetes": _discovered(facts.site, name)} for name in services}
    if facts.site == "private":
        spilled = {
            name: settings.reserve_percent / 100 for name in ("ads", "clicks") if name in kinds
        }
        site["reserve"] = {**spilled, "raised": settings.raised_percent / 100}
    return site


def _discovered(site: Site, service: str) -> dict[str, object]:
    return {
        "kubeconfig": f"file:{KUBECONFIG}/{site}",
        "namespace": NAMESPACE,
        "service": service,
        "port": PORT_HTTP,
    }


def router_settings(placement: Placement) -> str:
    """settings.json of a router."""
    site = "private" if placement == "core" else "public"
    return _encoded(
        RouterSettings(
            name=f"router-{placement}", placement=placement, site=site,
            policy=f"{CONFIG}/policy.yaml", topology=f"{CONFIG}/topology.yaml",
            listen=f"0.0.0.0:{PORT_HTTP}", probe=f"0.0.0.0:{PORT_PROBE}",
            admin=f"{STATE}/admin.sock", evidence=f"{STATE}/evidence", ready=f"{STATE}/ready.json",
        )
    )  # fmt: skip


def bridge_settings(settings: Settings) -> str:
    """settings.json of the bridge."""
    loaded = ("public.clicks", "clicks") if settings.warehouse_dsn else ()
    return _encoded(
        BridgeSettings(
            name="bridge", link="public-private", site="private",
            policy=f"{CONFIG}/policy.yaml", topology=f"{CONFIG}/topology.yaml",
            control=f"{STATE}/control.sock", ready=f"{STATE}/ready.json", warehouse_topics=loaded,
        )
    )  # fmt: skip


def checksum(files: dict[str, str]) -> str:
    """Ten hex digits that change with any of the files: part of a name, so that a change rolls the pods."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name, files[name]):
            digest.update(len(part.encode()).to_bytes(8) + part.encode())
    return digest.hexdigest()[:10]


def _encoded(settings: msgspec.Struct) -> str:
    return msgspec.json.format(msgspec.json.encode(settings)).decode() + "\n"


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode() + "\n"
