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
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); expected a readable JSON file; "
            "fix: name an existing file with --settings"
        ) from error
    try:
        settings = msgspec.json.decode(data, type=BridgeSettings)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at ")
        raise SettingsError(
            f"{path}: {place.strip('`') or '$'}: {text}; expected BridgeSettings, schema 1; "
            "fix: correct, add or remove the key named"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}:{_line(data, str(error))}: not JSON ({error}); expected one JSON object; "
            "fix: correct the syntax at the place named"
        ) from error
    _check(path, settings)
    return settings


def _line(data: bytes, message: str) -> int:
    """The line of the byte position msgspec names, 1 when it names none."""
    digits = message.rpartition("byte ")[2].rstrip(")")
    return data.count(b"\n", 0, int(digits)) + 1 if digits.isdigit() else 1


def _check(path: Path, settings: BridgeSettings) -> None:
    if settings.schema != 1:
        raise SettingsError(
            f"{path}: $.schema: {settings.schema} is not known; expected 1; fix: write settings of schema 1"
        )
    for key in ("slices_max", "batch_records_max", "transaction_timeout_ms"):
        if getattr(settings, key) < 1:
            raise SettingsError(
                f"{path}: $.{key}: {getattr(settings, key)} is out of range; expected at least 1; "
                "fix: remove the key to get the default"
            )
    for key in ("name", "link", "site", "policy", "topology", "control", "ready"):
        if not getattr(settings, key):
            raise SettingsError(f"{path}: $.{key}: empty; expected a name or path; fix: fill it in")


def load_plan(path: Path) -> BridgePlan:
    """The plan behind the settings file at `path`. Raises `SettingsError` and the policy's own errors."""
    settings = load_settings(path)
    policy = load_policy(_bytes(settings.policy, key="policy"), settings.policy)
    topology = load_topology(_bytes(settings.topology, key="topology"), settings.topology, policy)
    return plan_of(settings, policy, topology)


def _bytes(path: str, *, key: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); expected the {key} that the bridge settings name; "
            f"fix: correct `{key}` in the settings"
        ) from error


def plan_of(settings: BridgeSettings, policy: Policy, topology: Topology) -> BridgePlan:
    """What `settings` make of `policy` and `topology`. Raises `SettingsError`."""
    streams = tuple(
        stream for stream in policy.streams if stream.target == settings.site and stream.carry_all
    )
    sources = sorted({stream.source for stream in streams})
    if len(sources) > 1:
        raise SettingsError(
            f"{settings.policy}: streams: those to {settings.site} come from {', '.join(sources)};"
            " expected one source site per link; fix: keep the streams of one source in this policy"
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
        known = ", ".join(sorted(site.name for site in topology.sites))
        raise SettingsError(
            f"{settings.topology}: sites: no site {name}; expected one of {known}; "
            "fix: correct `site` in the bridge settings or add it to the topology"
        )
    return site


def _brokers(settings: BridgeSettings, site: Site) -> Brokers:
    if site.kafka is None or not site.kafka.bootstrap:
        raise SettingsError(
            f"{settings.topology}: sites.{site.name}.kafka.bootstrap: missing; expected the brokers' addresses; "
            "fix: list them, for example [127.0.2.5:9092]"
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
            f"{settings.topology}: sites.{site.name}.warehouse.dsn: {_empty(ref)};"
            " expected env:NAME or file:PATH that holds a PostgreSQL DSN; fix: fill what it names"
        )
    return value


def _empty(ref: str) -> str:
    return f"{ref} holds nothing that can be read" if ref else "missing"


def _read(name: str) -> str:
    try:
        return Path(name).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
