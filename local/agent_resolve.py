"""From a pod and the objects it names to what is started: argument list, environment, files, mounts. Pure.

Rules are the kubelet's: `$(NAME)` is expanded from the container's own variables and left alone when unknown,
`env` wins over `envFrom`, a missing object that is not optional keeps the container from starting.
"""

import re
from collections.abc import Mapping

import msgspec

from local.agent_objects import ConfigMap, Pod, Secret
from local.agent_parts import Container, EnvFrom, EnvVar, FieldRef, KeyRef, ResourceRef
from local.agent_quantity import QuantityError, parse_quantity, whole
from local.agent_settings import IMAGE, ProcessImage

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.\-][A-Za-z0-9_.\-]*)\)")
_NAME = re.compile(r"[A-Za-z_.\-][A-Za-z0-9_.\-]*")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ConfigError(Exception):
    """A container cannot be made as it stands; `reason` is the kubelet's word for it."""

    def __init__(self, message: str, *, reason: str = "CreateContainerConfigError") -> None:
        self.reason = reason
        super().__init__(message)


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What the pod's namespace holds under the names the pod uses, and tokens by `TokenKey`."""

    config_maps: Mapping[str, ConfigMap] = msgspec.field(default_factory=dict[str, ConfigMap])
    secrets: Mapping[str, Secret] = msgspec.field(default_factory=dict[str, Secret])
    tokens: Mapping[tuple[str, int], str] = msgspec.field(
        default_factory=dict[tuple[str, int], str]
    )


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the pod runs: what the downward API tells, and the API server's address for it."""

    pod_ip: str
    host_ip: str
    node_name: str
    api_host: str
    api_port: int


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What to execute."""

    argv: tuple[str, ...]
    environ: dict[str, str]
    working_directory: str


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """All that a container's command depends on beside itself."""

    pod: Pod
    place: Place
    sources: Sources
    image: ProcessImage


def check_image(container: Container) -> None:
    """Only the one image is there, and nothing is pulled. Raises `ConfigError`."""
    name = container.image.partition("@")[0]
    if name != IMAGE and not name.startswith(f"{IMAGE}:"):
        raise ConfigError(
            f"container image {container.image!r} is not present; a process node only has {IMAGE}",
            reason="ErrImageNeverPull",
        )


def command_of(container: Container, context: Context) -> Command:
    """The container's command line and environment. Raises `ConfigError`."""
    check_image(container)
    environ = environment_of(container, context)
    command = container.command or context.image.entrypoint
    argv = tuple(expand(word, environ) for word in (*command, *container.args))
    if not argv:
        raise ConfigError("no command specified", reason="RunContainerError")
    directory = container.working_dir or context.image.working_directory
    return Command(argv=argv, environ=environ, working_directory=directory)


def environment_of(container: Container, context: Context) -> dict[str, str]:
    """The container's variables: the image's, the API server's address, `envFrom`, `env`, in this order."""
    place = context.place
    environ = {
        "PATH": DEFAULT_PATH,
        **context.image.environ,
        "HOSTNAME": context.pod.metadata.name,
        "KUBERNETES_SERVICE_HOST": place.api_host,
        "KUBERNETES_SERVICE_PORT": str(place.api_port),
    }
    own: dict[str, str] = {}
    for source in container.env_from:
        own.update(_all_of(source, context.sources))
    for variable in container.env:
        value = _value_of(variable, container, context=context)
        if value is not None:
            own[variable.name] = expand(value, {**environ, **own})
    return {**environ, **own}


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Replace `$(NAME)`; `$$` is one dollar; an unknown name stays as written."""

    def one(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return environ.get(match[1], match[0])

    return _REFERENCE.sub(one, text)


def _all_of(source: EnvFrom, sources: Sources) -> dict[str, str]:
    found: dict[str, str] = {}
    if (ref := source.config_map_ref) is not None:
        config_map = sources.config_maps.get(ref.name)
        if config_map is None and not ref.optional:
            raise ConfigError(f'configmap "{ref.name}" not found')
        found |= config_map.data if config_map else {}
    if (ref := source.secret_ref) is not None:
        secret = sources.secrets.get(ref.name)
        if secret is None and not ref.optional:
            raise ConfigError(f'secret "{ref.name}" not found')
        found |= {key: _text(data, key) for key, data in secret.data.items()} if secret else {}
    named = {source.prefix + key: value for key, value in found.items()}
    return {key: value for key, value in named.items() if _NAME.fullmatch(key)}


def _value_of(variable: EnvVar, container: Container, *, context: Context) -> str | None:
    source = variable.value_from
    if source is None:
        return variable.value
    if source.field_ref is not None:
        return field_of(source.field_ref, context.pod, place=context.place)
    if source.resource_field_ref is not None:
        return resource_of(source.resource_field_ref, context.pod, container=container)
    if (ref := source.config_map_key_ref) is not None:
        config_map = context.sources.config_maps.get(ref.name)
        return _key("configmap", ref, config_map.data if config_map else None)
    if (ref := source.secret_key_ref) is not None:
        secret = context.sources.secrets.get(ref.name)
        return _key("secret", ref, None if secret is None else _texts(secret, ref.key))
    raise ConfigError(f"env {variable.name}: expected one of the sources a process node knows")


def _key(kind: str, ref: KeyRef, data: Mapping[str, str] | None) -> str | None:
    if data is not None and ref.key in data:
        return data[ref.key]
    if ref.optional:
        return None
    if data is None:
        raise ConfigError(f'{kind} "{ref.name}" not found')
    raise ConfigError(f'couldn\'t find key {ref.key} in {kind} "{ref.name}"')


def _texts(secret: Secret, wanted: str) -> dict[str, str]:
    return {key: _text(data, key) for key, data in secret.data.items() if key == wanted}


def _text(data: bytes, key: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"key {key}: expected UTF-8 to be used as a variable") from error
    if "\0" in text:
        raise ConfigError(f"key {key}: expected no NUL byte to be used as a variable")
    return text


def field_of(ref: FieldRef, pod: Pod, *, place: Place) -> str:
    """The downward API's answer. Raises `ConfigError`."""
    meta, path = pod.metadata, ref.field_path
    if subscript := _SUBSCRIPT.fullmatch(path):
        table = meta.labels if subscript[1] == "labels" else meta.annotations
        return table.get(subscript[2], "")
    fields = {
        "metadata.name": meta.name,
        "metadata.namespace": meta.namespace,
        "metadata.uid": meta.uid,
        "metadata.labels": _table(meta.labels),
        "metadata.annotations": _table(meta.annotations),
        "spec.nodeName": place.node_name,
        "spec.serviceAccountName": pod.spec.service_account_name,
        "status.podIP": place.pod_ip,
        "status.podIPs": place.pod_ip,
        "status.hostIP": place.host_ip,
        "status.hostIPs": place.host_ip,
    }
    if path not in fields:
        raise ConfigError(f"fieldRef {path}: expected one of {', '.join(sorted(fields))}")
    return fields[path]


def _table(values: Mapping[str, str]) -> str:
    return "\n".join(
        f"{key}={msgspec.json.encode(value).decode()}" for key, value in sorted(values.items())
    )


def resource_of(ref: ResourceRef, pod: Pod, *, container: Container | None) -> str:
    """A limit or request over the divisor, rounded up; a limit that is not set is 0. Raises `ConfigError`."""
    everybody = (*pod.spec.init_containers, *pod.spec.containers)
    named = next((it for it in everybody if it.name == ref.container_name), container)
    kind, _, resource = ref.resource.partition(".")
    if named is None or not resource or kind not in {"limits", "requests"}:
        raise ConfigError(f"resourceFieldRef {ref.resource}: expected limits.X or requests.X")
    table = named.resources.limits if kind == "limits" else named.resources.requests
    try:
        parse_quantity(ref.divisor)
        return str(whole(table.get(resource, ""), divisor=ref.divisor))
    except QuantityError as error:
        raise ConfigError(f"resourceFieldRef {ref.resource}: {error}") from error
