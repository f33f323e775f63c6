"""policy.yaml to `Policy`: what the grammar cannot say is checked here, name against name."""

import hashlib

from msgspec import UNSET

from policy.detect import DETECTORS
from policy.document import Document, read_document
from policy.fields import RuleFault, parse_rule
from policy.files import CustomFile, PolicyFile, RouteFile, SiteFile, StreamFile
from policy.globs import GlobFault, host_glob, path_glob
from policy.model import (
    CustomDetector,
    FieldRule,
    Policy,
    Route,
    RouteMatch,
    SecretRef,
    Sensitivity,
    SitePolicy,
    StreamRule,
)
from policy.patterns import Pattern, PatternFault
from policy.problems import did_you_mean

INSPECT_BYTES_MAX = 16 << 20
"""A held body lives in the router's memory, per connection."""

_CLASSES = {"public": Sensitivity.PUBLIC, "sensitive": Sensitivity.SENSITIVE}
_UNITS = {"MiB": 1 << 20, "KiB": 1 << 10, "B": 1}


def load_policy(data: bytes, source: str) -> Policy:
    """The compiled policy of a file's bytes; `source` names it in messages. Raises `PolicyError`."""
    document = read_document(data, source, PolicyFile)
    file = document.value
    if file is None:
        document.finish()
        raise AssertionError("a document without a value has problems")
    _check_sites(document, file)
    custom = tuple(
        _custom(document, rule, f"detectors.custom[{n}]")
        for n, rule in enumerate(file.detectors.custom)
    )
    _check_detectors(document, file)
    routes = tuple(_route(document, route, f"routes[{n}]") for n, route in enumerate(file.routes))
    _check_unique(document, [(f"routes[{n}].id", r.id) for n, r in enumerate(file.routes)])
    streams = tuple(
        _stream(document, file, stream, f"streams[{n}]") for n, stream in enumerate(file.streams)
    )
    _check_targets(document, streams)
    document.finish()
    return Policy(
        version=file.version,
        sites={name: _site(name, site) for name, site in file.sites.items()},
        detectors=file.detectors.enable,
        custom_detectors=custom,
        routes=routes,
        secrets={
            name: SecretRef(name=name, id=secret.id, ref=secret.ref, previous=secret.previous)
            for name, secret in file.secrets.items()
        },
        streams=streams,
        digest=hashlib.sha256(data).hexdigest(),
    )


def parse_size(text: str) -> int:
    """Bytes of a size such as `64KiB`."""
    for unit, factor in _UNITS.items():
        if text.endswith(unit):
            return int(text.removesuffix(unit)) * factor
    return int(text)


def _site(name: str, site: SiteFile) -> SitePolicy:
    return SitePolicy(name=name, holds=frozenset(_CLASSES[word] for word in site.holds))


def _check_sites(document: Document[PolicyFile], file: PolicyFile) -> None:
    all_read = set(file.sites) == set(document.keys("sites"))
    if all_read and not any("sensitive" in site.holds for site in file.sites.values()):
        document.report(
            "sites", "no site may hold the class sensitive", expected="at least one site that does",
            fix="write holds: [public, sensitive] on the private site",
        )  # fmt: skip


def _check_detectors(document: Document[PolicyFile], file: PolicyFile) -> None:
    for n, name in enumerate(file.detectors.enable):
        if name not in DETECTORS:
            document.report(
                f"detectors.enable[{n}]", f'unknown detector "{name}"',
                expected=f"one of {', '.join(DETECTORS)}", fix=did_you_mean(name, DETECTORS),
            )  # fmt: skip
    own = [(f"detectors.custom[{n}].id", rule.id) for n, rule in enumerate(file.detectors.custom)]
    listed = [(f"detectors.enable[{n}]", name) for n, name in enumerate(file.detectors.enable)]
    _check_unique(document, listed + own)
    for path, name in own:
        if name in DETECTORS and name not in file.detectors.enable:
            document.report(
                path, f'"{name}" is a built-in detector', expected="a name of its own",
                fix="rename it",
            )  # fmt: skip


def _custom(document: Document[PolicyFile], rule: CustomFile, path: str) -> CustomDetector:
    try:
        if Pattern(rule.pattern.encode(), utf8=True).span(b"") is not None:
            document.report(
                f"{path}.pattern", "matches the empty text, so every request",
                expected="a pattern that needs at least one character", fix="use + instead of *",
            )  # fmt: skip
    except PatternFault as fault:
        document.report(
            f"{path}.pattern", f"RE2 refuses the pattern: {fault}",
            expected="RE2 syntax (no look-around, no back-reference)", fix="rewrite the pattern",
        )  # fmt: skip
    return CustomDetector(id=rule.id, pattern=rule.pattern, check=rule.check)


def _check_unique(document: Document[PolicyFile], names: list[tuple[str, str]]) -> None:
    first: dict[str, str] = {}
    for path, name in names:
        if name in first:
            document.report(
                path, f'"{name}" stands twice, first on line {document.line(first[name])}',
                expected="each id once", fix="rename or remove one of the two",
            )  # fmt: skip
        first.setdefault(name, path)


def _route(document: Document[PolicyFile], route: RouteFile, path: str) -> Route:
    for kind, globs, compile_glob in (
        ("paths", route.match.paths, path_glob),
        ("hosts", route.match.hosts, host_glob),
    ):
        for n, glob in enumerate(globs):
            try:
                compile_glob(glob)
            except GlobFault as fault:
                document.report(
                    f"{path}.match.{kind}[{n}]", f'bad glob "{glob}": {fault}',
                    expected="a glob over normal segments" if kind == "paths" else "a host glob",
                    fix='write it like "/ads/**"' if kind == "paths" else 'write it like "*.shop.example"',
                )  # fmt: skip
    return Route(
        id=route.id,
        match=RouteMatch(
            hosts=route.match.hosts, methods=route.match.methods, paths=route.match.paths
        ),
        sensitivity=_CLASSES[route.sensitivity],
        service=route.service,
        cookies=route.cookies,
        inspect_body_bytes_max=_inspect(document, route, path),
        idempotency="" if route.idempotency is UNSET else route.idempotency,
        ledger_shared=route.ledger == "shared",
    )


def _inspect(document: Document[PolicyFile], route: RouteFile, path: str) -> int:
    if route.inspect is UNSET:
        return 0
    body = route.inspect.body
    size = body if isinstance(body, int) else parse_size(body)
    if size > INSPECT_BYTES_MAX:
        document.report(
            f"{path}.inspect.body", f"{body} is more than a router may hold per request",
            expected="at most 16MiB", fix="lower it; a longer body is served as sensitive",
        )  # fmt: skip
    return size


def _stream(
    document: Document[PolicyFile], file: PolicyFile, stream: StreamFile, path: str
) -> StreamRule:
    for end, name in (("from", stream.source), ("to", stream.target)):
        if name not in document.keys("sites"):
            document.report(
                f"{path}.{end}", f'unknown site "{name}"', expected="a site of this policy",
                fix=did_you_mean(name, document.keys("sites")),
            )  # fmt: skip
    if stream.source == stream.target:
        document.report(
            f"{path}.to", "is the site it comes from", expected="another site",
            fix="name the other site",
        )  # fmt: skip
    _check_carry(document, file, stream, path)
    fields = {} if stream.fields is UNSET else stream.fields
    return StreamRule(
        topic=stream.topic,
        source=stream.source,
        target=stream.target,
        carry_all=stream.carry == "all",
        rename="" if stream.rename is UNSET else stream.rename,
        key=None if stream.key is UNSET else _rule(document, "", stream.key, path=f"{path}.key"),
        fields=tuple(
            _rule(document, name, text, path=f"{path}.fields.{name}")
            for name, text in fields.items()
        ),
    )


def _check_carry(
    document: Document[PolicyFile], file: PolicyFile, stream: StreamFile, path: str
) -> None:
    if (stream.carry is UNSET) == (stream.fields is UNSET):
        document.report(
            path, "needs either carry or fields", expected="carry: all, or a map of fields",
            fix="remove one" if stream.carry == "all" else "add carry: all, or fields: {…}",
        )  # fmt: skip
        return
    source, target = file.sites.get(stream.source), file.sites.get(stream.target)
    if stream.carry == "all" and source and target and not set(source.holds) <= set(target.holds):
        document.report(
            f"{path}.carry", f"would bring what {stream.source} holds to {stream.target}, which may not",
            expected="field rules, since only they declassify", fix="replace carry by fields: {…}",
        )  # fmt: skip
    if stream.carry == "all" and stream.key is not UNSET:
        document.report(
            f"{path}.key", "has no effect: carry: all keeps the key", expected="no key rule",
            fix="remove it",
        )  # fmt: skip


def _rule(document: Document[PolicyFile], name: str, text: str, *, path: str) -> FieldRule:
    try:
        rule = parse_rule(name, text)
    except RuleFault as fault:
        document.report(path, f'"{text}": {fault.message}', expected=fault.expected, fix=fault.fix)
        return FieldRule(field=name, kind="drop", arguments=())
    secrets = document.keys("secrets")
    if rule.kind == "hmac" and rule.arguments[0] not in secrets:
        document.report(
            path, f'unknown secret "{rule.arguments[0]}"', expected="a name under secrets",
            fix=did_you_mean(rule.arguments[0], secrets) if secrets else "add it under secrets",
        )  # fmt: skip
    return rule


def _check_targets(document: Document[PolicyFile], streams: tuple[StreamRule, ...]) -> None:
    first: dict[tuple[str, str], int] = {}
    for n, stream in enumerate(streams):
        place = (stream.target, stream.target_topic)
        if place in first:
            document.report(
                f"streams[{n}]",
                f'writes topic "{stream.target_topic}" on {stream.target},'
                f" as on line {document.line(f'streams[{first[place]}]')}",
                expected="one stream for each target topic", fix="remove one, or set as: NAME",
            )  # fmt: skip
        first.setdefault(place, n)
