"""Kubeconfigs as text: which API server one names, until when it is good, and one for a reader of endpoints. Pure."""

import base64
import binascii
import datetime as dt

import msgspec

from infra.certificates import CertificateError, validity


class KubeconfigError(Exception):
    """The text is no kubeconfig that can be used; says why, never what stands in it."""


class _Cluster(msgspec.Struct, frozen=True, kw_only=True):
    server: str
    authority: str = msgspec.field(name="certificate-authority-data", default="")


class _NamedCluster(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    cluster: _Cluster


class _User(msgspec.Struct, frozen=True, kw_only=True):
    certificate: str = msgspec.field(name="client-certificate-data", default="")
    token: str = ""


class _NamedUser(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    user: _User | None = None


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    expires_s: float | None = msgspec.field(name="exp", default=None)


class _Context(msgspec.Struct, frozen=True, kw_only=True):
    cluster: str
    user: str = ""


class _NamedContext(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    context: _Context


class _Kubeconfig(msgspec.Struct, frozen=True, kw_only=True):
    clusters: tuple[_NamedCluster, ...]
    contexts: tuple[_NamedContext, ...]
    users: tuple[_NamedUser, ...] | None = None
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


def check_current(text: str, now: dt.datetime) -> None:
    """Raise `KubeconfigError` when the current context's certificate or token is not valid at `now` (aware).

    What a command or a file will give is not looked at, and a token that says nothing of its end passes.
    """
    file, context = _read(text)
    user = next((it.user for it in file.users or () if it.name == context.user), None)
    if user is None:
        return
    if user.certificate:
        begin, end = _validity(user.certificate)
        if not begin <= now <= end:
            word = "ended" if now > end else "begins only"
            at = end if now > end else begin
            raise KubeconfigError(f"its client certificate {word} {at:%Y-%m-%d %H:%M} UTC")
    end = _token_end(user.token)
    if end is not None and now > end:
        raise KubeconfigError(f"its token ended {end:%Y-%m-%d %H:%M} UTC")


def _validity(data: str) -> tuple[dt.datetime, dt.datetime]:
    try:
        return validity(base64.b64decode(data, validate=True))
    except (CertificateError, binascii.Error) as error:
        raise KubeconfigError("its client certificate cannot be read") from error


def _token_end(token: str) -> dt.datetime | None:
    """When a JWT ends; None for any other token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Claims)
        if claims.expires_s is None:
            return None
        return dt.datetime.fromtimestamp(claims.expires_s, dt.UTC)
    except (ValueError, OverflowError, OSError, binascii.Error, msgspec.MsgspecError):
        return None


def _current(text: str) -> _Cluster:
    file, context = _read(text)
    cluster = next((it.cluster for it in file.clusters if it.name == context.cluster), None)
    if cluster is None:
        raise KubeconfigError("its current context names a cluster that is not there")
    return cluster


def _read(text: str) -> tuple[_Kubeconfig, _Context]:
    try:
        file = msgspec.yaml.decode(text, type=_Kubeconfig)
    except (msgspec.MsgspecError, ValueError) as error:
        # the parser quotes the line it stumbled over, and that may be a key
        raise KubeconfigError("it is not the YAML of a kubeconfig") from error
    context = next((it.context for it in file.contexts if it.name == file.current), None)
    if context is None:
        raise KubeconfigError("its current context does not exist")
    return file, context
