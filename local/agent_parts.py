"""The parts of a pod's containers and volumes that a node reads; what is not listed is not decoded.

Names and defaults are the API's own. Pure.
"""

import msgspec


class ApiStruct(msgspec.Struct, frozen=True, rename="camel"):
    """Names as in the API; a field we do not know is somebody else's."""


class FieldRef(ApiStruct, frozen=True, kw_only=True):
    """A field of the pod, e.g. `metadata.labels['app']`."""

    field_path: str


class ResourceRef(ApiStruct, frozen=True, kw_only=True):
    """A container's limit or request, divided."""

    resource: str
    container_name: str = ""
    divisor: str = "1"


class KeyRef(ApiStruct, frozen=True, kw_only=True):
    """One key of a ConfigMap or Secret."""

    name: str = ""
    key: str
    optional: bool = False


class ValueFrom(ApiStruct, frozen=True, kw_only=True):
    """Where a variable's value comes from: exactly one is set."""

    field_ref: FieldRef | None = None
    resource_field_ref: ResourceRef | None = None
    config_map_key_ref: KeyRef | None = None
    secret_key_ref: KeyRef | None = None


class EnvVar(ApiStruct, frozen=True, kw_only=True):
    """One variable."""

    name: str
    value: str = ""
    value_from: ValueFrom | None = None


class SourceRef(ApiStruct, frozen=True, kw_only=True):
    """A whole ConfigMap or Secret."""

    name: str = ""
    optional: bool = False


class EnvFrom(ApiStruct, frozen=True, kw_only=True):
    """Every key of an object as a variable."""

    prefix: str = ""
    config_map_ref: SourceRef | None = None
    secret_ref: SourceRef | None = None


class Mount(ApiStruct, frozen=True, kw_only=True):
    """A volume seen by a container."""

    name: str
    mount_path: str
    sub_path: str = ""
    read_only: bool = False


class Port(ApiStruct, frozen=True, kw_only=True):
    """A named port of a container."""

    container_port: int
    name: str = ""
    protocol: str = "TCP"


class HttpHeader(ApiStruct, frozen=True, kw_only=True):
    """A header of an HTTP probe."""

    name: str
    value: str


class HttpGet(ApiStruct, frozen=True, kw_only=True):
    """An HTTP probe; `host` empty is the pod."""

    port: int | str
    path: str = "/"
    host: str = ""
    scheme: str = "HTTP"
    http_headers: tuple[HttpHeader, ...] = ()


class TcpSocket(ApiStruct, frozen=True, kw_only=True):
    """A TCP probe."""

    port: int | str
    host: str = ""


class Exec(ApiStruct, frozen=True, kw_only=True):
    """A command run in the container."""

    command: tuple[str, ...] = ()


class Sleep(ApiStruct, frozen=True, kw_only=True):
    """A hook that waits."""

    seconds: int


class Probe(ApiStruct, frozen=True, kw_only=True):
    """A probe with the API's defaults."""

    exec: Exec | None = None
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    initial_delay_seconds: int = 0
    timeout_seconds: int = 1
    period_seconds: int = 10
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


class Hook(ApiStruct, frozen=True, kw_only=True):
    """What runs before a container is asked to end."""

    exec: Exec | None = None
    sleep: Sleep | None = None


class Lifecycle(ApiStruct, frozen=True, kw_only=True):
    """Hooks; `postStart` is not run."""

    pre_stop: Hook | None = None


class Resources(ApiStruct, frozen=True, kw_only=True):
    """Quantities by resource."""

    limits: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    requests: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class Capabilities(ApiStruct, frozen=True, kw_only=True):
    """What is taken away; `ALL` is all of it."""

    drop: tuple[str, ...] = ()


class SecurityContext(ApiStruct, frozen=True, kw_only=True):
    """Honoured of it: a read-only root, no new privileges, no capabilities. Users and seccomp are not."""

    read_only_root_filesystem: bool = False
    allow_privilege_escalation: bool = True
    capabilities: Capabilities = Capabilities()


class Container(ApiStruct, frozen=True, kw_only=True):
    """One container."""

    name: str
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    volume_mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    resources: Resources = Resources()
    startup_probe: Probe | None = None
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    lifecycle: Lifecycle = Lifecycle()
    security_context: SecurityContext = SecurityContext()


class KeyToPath(ApiStruct, frozen=True, kw_only=True):
    """One key as a file."""

    key: str
    path: str
    mode: int | None = None


class ObjectSource(ApiStruct, frozen=True, kw_only=True):
    """A ConfigMap or Secret as files; a Secret names itself `secretName` in a volume, `name` when projected."""

    name: str = ""
    secret_name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int | None = None
    optional: bool = False


class DownwardItem(ApiStruct, frozen=True, kw_only=True):
    """One field as a file."""

    path: str
    field_ref: FieldRef | None = None
    resource_field_ref: ResourceRef | None = None
    mode: int | None = None


class DownwardSource(ApiStruct, frozen=True, kw_only=True):
    """Fields as files."""

    items: tuple[DownwardItem, ...] = ()
    default_mode: int | None = None


class TokenSource(ApiStruct, frozen=True, kw_only=True):
    """A service account's token as a file."""

    path: str
    audience: str = ""
    expiration_seconds: int = 3600


class ProjectedPart(ApiStruct, frozen=True, kw_only=True):
    """One source of a projected volume."""

    config_map: ObjectSource | None = None
    secret: ObjectSource | None = None
    downward_api: DownwardSource | None = msgspec.field(default=None, name="downwardAPI")
    service_account_token: TokenSource | None = None


class Projected(ApiStruct, frozen=True, kw_only=True):
    """Several sources in one directory."""

    sources: tuple[ProjectedPart, ...] = ()
    default_mode: int | None = None


class EmptyDir(ApiStruct, frozen=True, kw_only=True):
    """A directory that goes with the pod."""


class Volume(ApiStruct, frozen=True, kw_only=True):
    """One volume; a kind that is not listed here leaves all of them None."""

    name: str
    config_map: ObjectSource | None = None
    secret: ObjectSource | None = None
    empty_dir: EmptyDir | None = None
    downward_api: DownwardSource | None = msgspec.field(default=None, name="downwardAPI")
    projected: Projected | None = None
