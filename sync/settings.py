"""From the settings file, policy and topology to what the bridge carries, and between which brokers.

Adapter for files and environment. Only `carry: all` streams whose target is the own site are taken.
"""

import os
from pathlib import Path

import msgspec

from contracts.settings import BridgeSettings
from policy.load import load_policy
from policy.load_topology import load_topology
from policy.model import Policy, StreamRule
from policy.topology import Site, Topology
from sync.clients import Brokers


class SettingsError(Exception):
    """The settings, or what they lead to, cannot be used: which file, what was expected."""


class BridgePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the bridge needs to know; `warehouse_dsn` is empty when nothing is loaded."""

    settings: BridgeSettings
    streams: tuple[StreamRule, ...]
    source: Brokers | None
    own: Brokers
    warehouse_dsn: str
    policy_digest: str


def load_settings(path: Path) -> BridgeSettings:
    """The settings file, JSON. Raises `SettingsError`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=BridgeSettings)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}: expected a bridge settings file") from error
    except msgspec.MsgspecError as error:
        raise SettingsError(f"{path}: {error}: expected BridgeSettings as JSON") from error


def load_plan(path: Path) -> BridgePlan:
    """The plan behind the settings file at `path`. Raises `SettingsError` and the policy's own errors."""
    settings = load_settings(path)
    policy = load_policy(_bytes(settings.policy), settings.policy)
    topology = load_topology(_bytes(settings.topology), settings.topology, policy)
    return plan_of(settings, policy, topology)


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}: named in the bridge settings") from error


def plan_of(settings: BridgeSettings, policy: Policy, topology: Topology) -> BridgePlan:
    """What `settings` make of `policy` and `topology`. Raises `SettingsError`."""
    streams = tuple(
        stream for stream in policy.streams if stream.target == settings.site and stream.carry_all
    )
    sources = sorted({stream.source for stream in streams})
    if len(sources) > 1:
        raise SettingsError(
            f"{settings.policy}: streams to {settings.site} come from {', '.join(sources)}:"
            " expected one source site per link"
        )
    own = _site(settings, topology, settings.site)
    return BridgePlan(
        settings=settings,
        streams=streams,
        source=_brokers(settings, _site(settings, topology, sources[0])) if sources else None,
        own=_brokers(settings, own),
        warehouse_dsn=_dsn(settings, own) if settings.warehouse_topics else "",
        policy_digest=policy.digest,
    )


def _site(settings: BridgeSettings, topology: Topology, name: str) -> Site:
    site = topology.site(name)
    if site is None:
        raise SettingsError(f"{settings.topology}: no site {name}: expected one under `sites`")
    return site


def _brokers(settings: BridgeSettings, site: Site) -> Brokers:
    if site.kafka is None or not site.kafka.bootstrap:
        raise SettingsError(
            f"{settings.topology}: site {site.name} has no `kafka.bootstrap`: the bridge needs one"
        )
    return Brokers(
        name=site.name, bootstrap=",".join(site.kafka.bootstrap), client=site.kafka.client
    )


def _dsn(settings: BridgeSettings, site: Site) -> str:
    ref = site.warehouse_dsn
    kind, _, name = ref.partition(":")
    dsn = {"env": lambda: os.environ.get(name, ""), "file": lambda: _read(name)}.get(kind)
    value = ref if dsn is None else dsn()
    if not value:
        raise SettingsError(
            f"{settings.topology}: site {site.name}: `warehouse.dsn` is {ref or 'missing'} and empty:"
            " expected env:NAME or file:PATH that holds a PostgreSQL DSN"
        )
    return value


def _read(name: str) -> str:
    try:
        return Path(name).read_text().strip()
    except OSError:
        return ""
