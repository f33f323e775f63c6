"""The policy as frozen structs: sites, detectors, routes, streams, and the verdict on one request.

Answers *what* the rules are; how they are read stands in `load`, how they decide in `classify`.
"""

import enum
from typing import Literal

import msgspec


class Sensitivity(enum.IntEnum):
    """Ordered classes; a request's class is only ever raised."""

    PUBLIC = 0
    SENSITIVE = 1


DetectorId = str
SiteName = str
TrafficClass = Literal["public", "sensitive", "raised"]


class Model(msgspec.Struct, frozen=True):
    """Base of the compiled policy: frozen (`kw_only` is said per class)."""


class SitePolicy(Model, frozen=True, kw_only=True):
    """What one site may hold."""

    name: SiteName
    holds: frozenset[Sensitivity]


class CustomDetector(Model, frozen=True, kw_only=True):
    """A detector of the user's own: an RE2 pattern and an exact check on what it matched."""

    id: DetectorId
    pattern: str
    check: Literal["none", "luhn", "mod11-2"]


class RouteMatch(Model, frozen=True, kw_only=True):
    """Hosts and paths as globs (`*` one segment, `**` any), methods exact; empty methods means all."""

    hosts: tuple[str, ...]
    methods: tuple[str, ...]
    paths: tuple[str, ...]


class Route(Model, frozen=True, kw_only=True):
    """One routing rule; `sensitivity` PUBLIC is only a candidate until head and body are scanned.

    `inspect_body_bytes_max` 0 means a body makes the request sensitive. `ledger_shared` allows an
    idempotency-keyed request to move to another site.
    """

    id: str
    match: RouteMatch
    sensitivity: Sensitivity
    service: str
    cookies: tuple[str, ...] = ()
    inspect_body_bytes_max: int = 0
    idempotency: str = ""
    ledger_shared: bool = False


class SecretRef(Model, frozen=True, kw_only=True):
    """Where a key is found (`env:NAME`, `file:PATH`); resolved only on sites that hold sensitive data."""

    name: str
    id: str
    ref: str
    previous: tuple[str, ...] = ()


class FieldRule(Model, frozen=True, kw_only=True):
    """How one field leaves: `kind` and its arguments as written (`enum` first for an enum)."""

    field: str
    kind: Literal["drop", "keep", "bucket", "mask", "hmac", "date"]
    arguments: tuple[str, ...]


class StreamRule(Model, frozen=True, kw_only=True):
    """One topic that crosses a link; `carry_all` moves bytes as they are, else only `fields` leave."""

    topic: str
    source: SiteName
    target: SiteName
    carry_all: bool
    rename: str = ""
    key: FieldRule | None = None
    fields: tuple[FieldRule, ...] = ()

    @property
    def target_topic(self) -> str:
        """`<site>.<topic>` unless `as:` renames it."""
        return self.rename or f"{self.source}.{self.topic}"


class Policy(Model, frozen=True, kw_only=True):
    """A whole policy; `digest` is the SHA-256 (hex) of the file's bytes."""

    version: str
    sites: dict[SiteName, SitePolicy]
    detectors: tuple[DetectorId, ...]
    custom_detectors: tuple[CustomDetector, ...]
    routes: tuple[Route, ...]
    secrets: dict[str, SecretRef]
    streams: tuple[StreamRule, ...]
    digest: str

    def may_hold(self, site: SiteName, sensitivity: Sensitivity) -> bool:
        """Whether `site` may hold this class; a site the policy does not name holds nothing."""
        rule = self.sites.get(site)
        return rule is not None and sensitivity in rule.holds


class RequestHead(Model, frozen=True, kw_only=True):
    """What is known of a request before its body: raw bytes as they came, nothing decoded.

    `target` is the request target as sent; `headers` keep order, case and duplicates. `has_body` is true
    for a non-zero Content-Length or any Transfer-Encoding.
    """

    method: str
    target: bytes
    host: str
    headers: tuple[tuple[bytes, bytes], ...]
    has_body: bool
    content_length: int | None = None


class HeldBody(Model, frozen=True, kw_only=True):
    """A body that arrived whole within the bound (as sent, still content-encoded)."""

    data: bytes


class UnreadBody(Model, frozen=True, kw_only=True):
    """A body that could not be held to its end."""

    why: Literal["oversize", "late", "broken"]


Body = HeldBody | UnreadBody


class Reason(Model, frozen=True, kw_only=True):
    """Why: the rule, the detector or code that decided, and where; never the value."""

    rule: str
    detail: str = ""
    where: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.rule, self.detail, self.where) if part)


class Verdict(Model, frozen=True, kw_only=True):
    """The class of one request, where it may be served, and why.

    `route` is None when nothing matched: the router answers 404 and forwards nothing.
    `traffic_class` is `raised` when a public candidate was raised by a scan or by doubt.
    """

    sensitivity: Sensitivity
    traffic_class: TrafficClass
    route: Route | None
    reasons: tuple[Reason, ...]


class HoldBody(Model, frozen=True, kw_only=True):
    """The head alone cannot decide: hold up to `bytes_max` bytes of body, then ask again."""

    route: Route
    bytes_max: int
    reasons: tuple[Reason, ...]
