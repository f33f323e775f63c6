"""Kubeconfigs as text: which API server one names, and a small one for a reader of endpoints. Pure."""

import msgspec


class KubeconfigError(Exception):
    """The text is no kubeconfig that can be used; says why, never what stands in it."""


class _Cluster(msgspec.Struct, frozen=True, kw_only=True):
    server: str
    authority: str = msgspec.field(name="certificate-authority-data", default="")


class _NamedCluster(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    cluster: _Cluster


class _Context(msgspec.Struct, frozen=True, kw_only=True):
    cluster: str


class _NamedContext(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    context: _Context


class _Kubeconfig(msgspec.Struct, frozen=True, kw_only=True):
    clusters: tuple[_NamedCluster, ...]
    contexts: tuple[_NamedContext, ...]
    current: str = msgspec.field(name="current-context", default="")


def server_of(text: str) -> str:
    """The API server's URL of the current context. Raises `KubeconfigError`."""
    return _current(text).server


def authority_of(text: str) -> str:
    """The CA certificate of the current context, base64 as written. Raises `KubeconfigError`."""
    authority = _current(text).authority
    if not authority:
        raise KubeconfigError("the CA certificate is not inlined")
    return authority


def reader_kubeconfig(*, server: str, authority: str, namespace: str, token: str) -> str:
    """The kubeconfig of a service account; JSON, which is YAML."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "site", "cluster": {"server": server, "certificate-authority-data": authority}}
        ],
        "users": [{"name": "reader", "user": {"token": token}}],
        "contexts": [
            {
                "name": "site",
                "context": {"cluster": "site", "user": "reader", "namespace": namespace},
            }
        ],
        "current-context": "site",
    }
    return msgspec.json.format(msgspec.json.encode(content)).decode() + "\n"


def _current(text: str) -> _Cluster:
    try:
        file = msgspec.yaml.decode(text, type=_Kubeconfig)
    except (msgspec.MsgspecError, ValueError) as error:
        # the parser quotes the line it stumbled over, and that may be a key
        raise KubeconfigError("it is not the YAML of a kubeconfig") from error
    context = next((it.context for it in file.contexts if it.name == file.current), None)
    if context is None:
        raise KubeconfigError("its current context does not exist")
    cluster = next((it.cluster for it in file.clusters if it.name == context.cluster), None)
    if cluster is None:
        raise KubeconfigError("its current context names a cluster that is not there")
    return cluster
