"""A cluster's API server, asked over one connection: JSON in, bytes out. Nothing is imported that takes a second.

The official client costs a second of start-up per command; what is needed here is six paths.
"""

import base64
import http.client
import ssl
import tempfile
import urllib.parse
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec
import yaml

ANSWER_S_MAX = 10.0
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
MERGE_PATCH = "application/merge-patch+json"
SERVER_SIDE_APPLY = "application/apply-patch+yaml"


class ApiError(Exception):
    """The API server refused (`status`), or could not be reached (`status` 0)."""

    def __init__(self, text: str, *, status: int) -> None:
        super().__init__(text)
        self.status = status


class _Named(msgspec.Struct, frozen=True, rename="kebab"):
    server: str = ""
    certificate_authority_data: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""


class _Cluster(msgspec.Struct, frozen=True):
    cluster: _Named


class _User(msgspec.Struct, frozen=True):
    user: _Named


class _Kubeconfig(msgspec.Struct, frozen=True):
    clusters: tuple[_Cluster, ...]
    users: tuple[_User, ...]


class Api:
    """The API server a kubeconfig names; not for several threads."""

    def __init__(self, kubeconfig: Path, *, answer_s: float = ANSWER_S_MAX) -> None:
        try:
            read = msgspec.convert(yaml.safe_load(kubeconfig.read_text()), type=_Kubeconfig)
            cluster, user = read.clusters[0].cluster, read.users[0].user
            context = _context(cluster, user)
        except (OSError, ValueError, yaml.YAMLError, msgspec.ValidationError, IndexError) as error:
            raise ApiError(
                f"{kubeconfig}: {error}; expected a kubeconfig with inlined certificates. "
                "fix: apply the cluster again",
                status=0,
            ) from error
        address = urllib.parse.urlsplit(cluster.server)
        self._connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=answer_s, context=context
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._connection.close()

    def ask(
        self, method: Method, path: str, *, body: object = None, content: str = "application/json"
    ) -> bytes:
        """One request; the answer's body. Raises `ApiError` for any status from 400 on."""
        sent = None if body is None else msgspec.json.encode(body)
        headers = {"Accept": "application/json", "Content-Type": content}
        try:
            self._connection.request(method, path, body=sent, headers=headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ApiError(f"{method} {path}: {error or type(error).__name__}", status=0) from error
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            said = text.decode(errors="replace").strip()
            raise ApiError(f"{method} {path}: {answer.status} {said}", status=answer.status)
        return text

    def is_ready(self) -> bool:
        """Whether the server says it is ready for requests."""
        try:
            self.ask("GET", "/readyz")
        except ApiError:
            return False
        return True


def _context(cluster: _Named, user: _Named) -> ssl.SSLContext:
    authority = base64.b64decode(cluster.certificate_authority_data).decode()
    context = ssl.create_default_context(cadata=authority)
    # kwokctl's authority lacks an extension that only the strict check asks for
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    # the library reads a client's certificate from a file only; this one has no name
    with tempfile.NamedTemporaryFile() as file:
        file.write(base64.b64decode(user.client_certificate_data) + b"\n")
        file.write(base64.b64decode(user.client_key_data))
        file.flush()
        context.load_cert_chain(file.name)
    return context
