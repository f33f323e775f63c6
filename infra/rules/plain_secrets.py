"""No secret in plain: not in the environment of a container, not in a ConfigMap, not in the state. Pure.

Names are judged, not entropy: what a name calls a secret is one. A message shows the place, never the value.
"""

import re
from collections.abc import Iterator

from infra.rules.ground import Ground
from infra.rules.resource import Object, Resource, containers, objects
from infra.rules.rule import Rule
from infra.rules.values import Mark, Value, at, leaves, listed, text

_SECRET = re.compile(
    r"passw(or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|(^|[_-])key$|dsn$",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"httpTokens$|(file|path|dir|name|ref|class|type|id|arn|url|uri|ttl|version|mode|policy|provider|_s|count)$",
    re.IGNORECASE,
)
"""Endings of names that say where a secret is or how it is handled."""
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|client-key-data:|\"client-key-data\""
)


def looks_secret(name: str) -> bool:
    """Whether a name calls its value a secret."""
    return bool(_SECRET.search(name)) and not _PLACE.search(name)


def check(resource: Resource, _ground: Ground) -> Iterator[str]:
    """Each place where a secret stands in plain."""
    described = tuple(objects(resource))
    for found in described:
        yield from (f"{found}: {place}" for place in _of_object(found))
    if not described:
        for path, value in leaves(dict(resource.props)):
            if isinstance(value, str) and value and _tells(_last(path), value):
                yield f"{resource.name}: {path} is in plain"
    for path, value in leaves(dict(resource.props)):
        if isinstance(value, str) and _PRIVATE_KEY.search(value):
            yield f"{resource.name}: {path} holds a private key in plain"


def _tells(name: str, value: str) -> bool:
    """Whether a property's text is a secret; a kubeconfig may also be a path.

    A property that is just `key` is a label's or a taint's, and providers write their switches as texts.
    """
    if name == "kubeconfig":
        return "\n" in value or "{" in value
    return looks_secret(name) and name != "key" and value not in {"true", "false"}


def _of_object(found: Object) -> Iterator[str]:
    for container in containers(found):
        for variable in listed(container.get("env")):
            name = text(at(variable, "name"))
            value = at(variable, "value")
            if looks_secret(name) and (isinstance(value, Mark) or text(value)):
                yield f"container {text(container.get('name'))}: variable {name} has its value in the pod"
    match found.kind:
        case "Secret":
            for key in ("data", "stringData"):
                yield from (
                    f"{key}.{name} is in plain in the state" for name in _plain(found.body.get(key))
                )
        case "ConfigMap":
            for name, value in _entries(found.body.get("data")):
                if looks_secret(name) and value not in (None, ""):
                    yield f"data.{name} is a secret in a ConfigMap"
        case _:
            pass


def _plain(value: Value) -> Iterator[str]:
    yield from (name for name, held in _entries(value) if isinstance(held, str) and held)


def _entries(value: Value) -> list[tuple[str, Value]]:
    return list(value.items()) if isinstance(value, dict) else []


def _last(path: str) -> str:
    return path.rpartition(".")[2].partition("[")[0]


PLAIN_SECRETS = Rule(
    id="no-plain-secret",
    demand="No secret in plain in a container's environment, a ConfigMap or the state.",
    remediation="take it from a Secret (valueFrom.secretKeyRef) whose data is pulumi.Output.secret or config --secret",
    check=check,
)
