"""A kubeconfig as the router uses it: the API server's address, what it is trusted by, and the own credentials.

Client certificates and tokens are taken, inlined or from files. What would weaken the connection, or start a
program, is refused: the addresses that come over it decide where requests go.
"""

import base64
import binascii
import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

FILE_BYTES_MAX = 1 << 20


class KubeconfigError(Exception):
    """A kubeconfig that cannot be used; the text says file, place, expectation and fix."""


class _Part(msgspec.Struct, frozen=True, rename="kebab"):
    """Base of the file's parts: unknown keys belong to other clients."""


class _Cluster(_Part, frozen=True):
    server: str
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    proxy_url: str = ""


class _User(_Part, frozen=True):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(name="tokenFile", default="")
    username: str = ""
    exec: object = None
    auth_provider: object = None


class _Context(_Part, frozen=True):
    cluster: str
    user: str


class _NamedCluster(_Part, frozen=True):
    name: str
    cluster: _Cluster


class _NamedUser(_Part, frozen=True):
    name: str
    user: _User


class _NamedContext(_Part, frozen=True):
    name: str
    context: _Context


class _Kubeconfig(_Part, frozen=True):
    clusters: tuple[_NamedCluster, ...]
    users: tuple[_NamedUser, ...]
    contexts: tuple[_NamedContext, ...]
    current_context: str


class ApiServer(msgspec.Struct, frozen=True):
    """How to reach an API server: `server` without a final slash, TLS ready to use, headers to send.

    `tls_name` is the name the certificate must be for, empty for the one in `server`.
    """

    server: str
    tls: ssl.SSLContext
    headers: dict[str, str]
    tls_name: str


def file_of(reference: str) -> Path:
    """The path in `file:PATH`."""
    return Path(reference.removeprefix("file:"))


def load_kubeconfig(reference: str) -> ApiServer:
    """The API server of the current context. Raises `KubeconfigError`; no text of it shows a credential."""
    path = file_of(reference)
    parsed = _read(path)
    context = next((it for it in parsed.contexts if it.name == parsed.current_context), None)
    if context is None:
        raise _fault(
            path, "current-context", "names no context of the file",
            expected="one of contexts", fix="kubectl config use-context NAME",
        )  # fmt: skip
    cluster = next((it for it in parsed.clusters if it.name == context.context.cluster), None)
    user = next((it for it in parsed.users if it.name == context.context.user), None)
    if cluster is None or user is None:
        raise _fault(
            path, f"contexts.{context.name}", "names a cluster or user that is not in the file",
            expected="both in the file", fix="kubectl config view --flatten --raw writes a whole one",
        )  # fmt: skip
    _check(path, cluster.cluster, user.user)
    return ApiServer(
        server=cluster.cluster.server.rstrip("/"),
        tls=_tls(path, cluster.cluster, user.user),
        headers=_headers(path, user.user),
        tls_name=cluster.cluster.tls_server_name,
    )


def _read(path: Path) -> _Kubeconfig:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _fault(
            path, "", f"cannot be read ({error.strerror})",
            expected="a readable kubeconfig", fix="correct the path in the topology, or its mode",
        ) from error  # fmt: skip
    if len(data) > FILE_BYTES_MAX:
        raise _fault(path, "", "is larger than 1 MiB", expected="a kubeconfig", fix="name another")
    try:
        return msgspec.yaml.decode(data, type=_Kubeconfig)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at ")
        raise _fault(
            path, place.strip("`"), text,
            expected="a kubeconfig with clusters, users, contexts and current-context",
            fix="kubectl config view --flatten --raw writes one",
        ) from error  # fmt: skip
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        # The parser's text would quote the line, and with it perhaps a key.
        raise _fault(
            path, "", "is not YAML", expected="a kubeconfig",
            fix="kubectl config view --flatten --raw writes one",
        ) from error  # fmt: skip


def _check(path: Path, cluster: _Cluster, user: _User) -> None:
    """Refuse what the router does not do."""
    address = urlsplit(cluster.server)
    faults = (
        (address.scheme != "https" or not address.hostname, "cluster.server", "is no https address", "https://HOST:PORT"),
        (cluster.insecure_skip_tls_verify, "cluster.insecure-skip-tls-verify", "would believe any server", "a certificate authority"),
        (bool(cluster.proxy_url), "cluster.proxy-url", "is not supported", "a server reached directly"),
        (user.exec is not None, "user.exec", "would start a program", "a client certificate or a token"),
        (user.auth_provider is not None, "user.auth-provider", "is not supported", "a client certificate or a token"),
        (bool(user.username), "user.username", "is not supported", "a client certificate or a token"),
    )  # fmt: skip
    for wrong, place, what, expected in faults:
        if wrong:
            raise _fault(
                path, place, what, expected=expected,
                fix="give the router a service account of its own that may list and watch endpointslices",
            )  # fmt: skip


def _tls(path: Path, cluster: _Cluster, user: _User) -> ssl.SSLContext:
    try:
        authority = _material(
            path, cluster.certificate_authority, cluster.certificate_authority_data
        )
        certificate = _material(path, user.client_certificate, user.client_certificate_data)
        key = _material(path, user.client_key, user.client_key_data)
        tls = ssl.create_default_context(cadata=authority.decode("ascii") if authority else None)
        if certificate:
            _present(tls, certificate, key)
    except ssl.SSLError as error:
        raise _fault(
            path, "", f"has certificates that cannot be used ({error.reason})",
            expected="PEM certificates and the key that belongs to them",
            fix="kubectl config view --flatten --raw writes them into the file",
        ) from error  # fmt: skip
    except OSError as error:
        raise _fault(
            path, "", f"names a file that cannot be read ({error.filename}: {error.strerror})",
            expected="readable certificate files", fix="correct the path, or its mode",
        ) from error  # fmt: skip
    except (binascii.Error, ValueError) as error:
        raise _fault(
            path, "", "has certificate data that is not base64 of PEM",
            expected="base64 of PEM", fix="kubectl config view --flatten --raw writes it",
        ) from error  # fmt: skip
    return tls


def _material(path: Path, file: str, data: str) -> bytes:
    """Inlined data goes before a file, as kubectl has it; a relative file is relative to the kubeconfig."""
    if data:
        return base64.b64decode(data, validate=True)
    return (path.parent / file).read_bytes() if file else b""


def _present(tls: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load the own certificate from memory: a key that came inlined is never written to a disk."""
    descriptor = os.memfd_create("isthmus-client")
    try:
        os.write(descriptor, certificate + b"\n" + key)
        # a key with a passphrase is an error, not a question on the terminal
        tls.load_cert_chain(f"/proc/self/fd/{descriptor}", password="")
    finally:
        os.close(descriptor)


def _headers(path: Path, user: _User) -> dict[str, str]:
    token = user.token
    if user.token_file and not token:
        try:
            token = (path.parent / user.token_file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _fault(
                path, "user.tokenFile", "names a file that cannot be read",
                expected="a file that holds a token", fix="correct the path or its mode",
            ) from error  # fmt: skip
    return {"Authorization": f"Bearer {token}"} if token else {}


def _fault(path: Path, place: str, what: str, *, expected: str, fix: str) -> KubeconfigError:
    where = f"{path}: {place}: " if place else f"{path}: "
    return KubeconfigError(f"{where}{what}; expected {expected}; fix: {fix}")
