"""A stack described to a monitor that records: every resource with its inputs, options and provider."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
import pulumi
from pulumi.runtime import config as engine_config
from pulumi.runtime.mocks import (
    MockCallArgs,
    MockMonitor,
    MockResourceArgs,
    Mocks,
    set_mocks,
)

from infra.config import keys

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: one
clusters: [{name: c, cluster: {server: "https://10.9.0.2:6443", certificate-authority-data: Q0E=}}]
contexts: [{name: one, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: admin-token}}]
"""
TOKEN_BASE64 = "YS10b2tlbg=="
NETWORKS = {"public": ["10.1.0.0/16"], "private": ["10.2.0.0/16"]}
SECRET_MARK = "4dabf18193072939515e22adb298388d"
"""The key under which the engine's protocol hides a secret."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One resource as the engine was told of it; secret inputs are unwrapped, their paths in `secrets`."""

    type: str
    name: str
    inputs: dict[str, Any]
    secrets: tuple[str, ...]
    provider: str
    parent: str
    create_timeout: str = ""
    secret_outputs: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def at(self, path: str) -> Any:
        """The input at a dotted path; None where there is none."""
        value: Any = self.inputs
        for part in path.split("."):
            if isinstance(value, list):
                value = value[int(part)]
            elif isinstance(value, Mapping):
                value = value.get(part)
            else:
                return None
        return value

    def is_secret(self, path: str) -> bool:
        """Whether the input at `path`, or what it is in, is secret."""
        return any(path == it or path.startswith(f"{it}.") for it in self.secrets)


class Recorder(Mocks):
    """Answers as an engine whose clusters have just come up."""

    def __init__(self) -> None:
        self.made: list[Made] = []

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        outs = dict(args.inputs)
        match args.typ:
            case "pulumi:pulumi:StackReference":
                outs["outputs"] = self.stack_outputs(args.name.rpartition("-")[2])
                outs["secretOutputNames"] = ["kubeconfig"]
            case "pulumi-python:dynamic/isthmus:LocalCluster":
                outs |= {
                    "ready": True, "cluster_identifier": "dev-1", "kubeconfig": KUBECONFIG,
                    "api_endpoint": "https://10.9.0.2:6443", "networks": NETWORKS["public"],
                    "pod_endpoint": "https://10.1.0.1:6443", "nodes": {},
                }  # fmt: skip
            case "kubernetes:core/v1:Secret" if args.inputs.get("type"):
                outs["data"] = {"token": TOKEN_BASE64}
            case _:
                outs |= self.filled(args)
        return f"{args.name}-id", outs

    def filled(self, args: MockResourceArgs) -> dict[str, Any]:
        """What a cloud fills in beside its inputs."""
        return {"arn": f"arn:{args.name}"} if args.typ.startswith("aws:") else {}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if args.token == "pulumi:pulumi:readStackOutputs":
            return {"outputs": self.stack_outputs(str(args.args["name"]).rpartition("-")[2])}, []
        return dict(args.args), []

    def stack_outputs(self, site: str) -> dict[str, Any]:
        """What a cluster's stack exports."""
        return site_outputs(site)


class Monitor(MockMonitor):
    """Keeps what the mocks are not told: options and which inputs are secret."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        if request.type != "pulumi:pulumi:Stack":
            secrets: list[str] = []
            plain = _plain(pulumi.runtime.rpc.deserialize_properties(request.object), "", secrets)
            self.mocks.made.append(
                Made(
                    type=request.type, name=request.name, inputs=plain, secrets=tuple(secrets),
                    provider=request.provider, parent=request.parent,
                    create_timeout=request.customTimeouts.create,
                    secret_outputs=tuple(request.additionalSecretOutputs),
                    ignored=tuple(request.ignoreChanges),
                )
            )  # fmt: skip
        return super().RegisterResource(request)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        self.mocks.made.append(
            Made(
                type=request.type, name=request.name, inputs={}, secrets=(),
                provider=request.provider, parent=request.parent,
            )
        )  # fmt: skip
        return super().ReadResource(request)


def _plain(value: Any, path: str, secrets: list[str]) -> Any:
    if isinstance(value, Mapping) and SECRET_MARK in value:
        secrets.append(path)
        return _plain(value["value"], path, secrets)
    if isinstance(value, Mapping):
        return {key: _plain(it, f"{path}.{key}".lstrip("."), secrets) for key, it in value.items()}
    if isinstance(value, list):
        return [_plain(it, f"{path}.{n}", secrets) for n, it in enumerate(value)]
    return value


def site_outputs(site: str) -> dict[str, Any]:
    """What a cluster's stack exports."""
    number = 1 if site == "public" else 2
    return {
        "kubeconfig": KUBECONFIG, "clusterIdentifier": f"dev-{site}", "networks": NETWORKS[site],
        "apiEndpoint": "https://10.9.0.2:6443", "podEndpoint": f"https://10.{number}.0.1:6443",
    }  # fmt: skip


class Described:
    """What a program described."""

    def __init__(self, made: list[Made]) -> None:
        self.made = made

    def all(self, kind: str) -> list[Made]:
        """Every resource whose type ends with `kind`."""
        return [it for it in self.made if it.type.endswith(f":{kind}")]

    def one(self, kind: str, name: str = "") -> Made:
        """The resource of that kind, and of that name if given."""
        found = [it for it in self.all(kind) if not name or it.name == name]
        assert len(found) == 1, [(it.type, it.name) for it in self.made]
        return found[0]

    def kubernetes(self) -> list[Made]:
        """Every object that goes into a cluster."""
        return [it for it in self.made if it.type.startswith("kubernetes:")]


def describe(
    program: Callable[[], object],
    *,
    stack: str = "dev-fabric",
    values: Mapping[str, str] | None = None,
    recorder: Recorder | None = None,
    plain: Collection[str] = (),
) -> Described:
    """Run `program` against a recording monitor, to its end."""
    mocks = recorder or Recorder()
    set_mocks(mocks, project="isthmus", stack=stack, preview=False, monitor=Monitor(mocks))
    texts = {f"isthmus:{key}": it for key, it in (values or {}).items()}
    secret = [f"isthmus:{key.name}" for key in keys() if key.secret and key.name not in plain]
    engine_config.set_all_config(texts, secret)

    @pulumi.runtime.test
    def run() -> None:
        program()

    run()
    return Described(mocks.made)


def fabric_values(**changed: str) -> dict[str, str]:
    """A fabric's configuration that can be installed."""
    return {
        "kafkaPublic": '["10.1.0.9:9092"]', "kafkaPrivate": '["10.2.0.9:9092"]',
        "ledgerDsn": "host=10.2.0.8 dbname=ledger user=app",
        "warehouseDsn": "host=10.2.0.8 dbname=warehouse user=app",
        **changed,
    }  # fmt: skip


def existing_values(**changed: str) -> dict[str, str]:
    """A cluster's configuration on driver existing."""
    return {
        "driver": "existing", "kubeconfig": KUBECONFIG, "clusterIdentifier": "shop-1",
        "networks": '["10.1.0.0/16"]', **changed,
    }  # fmt: skip
