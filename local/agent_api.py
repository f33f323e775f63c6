"""A small typed client of the Kubernetes API for one node: objects, merge patches, list and watch.

Plain HTTPS with the client certificate of a kubeconfig. Following a collection
is `agent_reflect`.
"""

import base64
import contextlib
import ssl
from collections.abc import AsyncGenerator, Generator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, TypeVar

import aiohttp
import msgspec
from yarl import URL

from local.agent_objects import Meta

REQUEST_S = 10.0
WATCH_S = 240
"""The server is asked to end a watch after this long; it sends a bookmark about once a minute."""
SILENCE_S = 100.0
"""A watch that says nothing for this long, not even a bookmark, is dead."""
LINE_BYTES_MAX = 4 << 20
"""An object is at most 1.5 MiB in etcd; one watch line holds one."""
PAGE = 500
MERGE = "application/merge-patch+json"


class ApiError(Exception):
    """The API refused, or could not be reached (`status` 0)."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(f"{status}: {message}" if status else message)


class KubeconfigError(Exception):
    """The kubeconfig cannot be used: which file, what was expected."""


class _Named(msgspec.Struct, frozen=True):
    name: str
    cluster: dict[str, str | bool] = msgspec.field(default_factory=dict[str, str | bool])
    user: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    context: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class _Kubeconfig(msgspec.Struct, frozen=True):
    clusters: tuple[_Named, ...]
    users: tuple[_Named, ...]
    contexts: tuple[_Named, ...]
    current: str = msgspec.field(name="current-context")


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Where the API is and who we are; PEM."""

    server: str
    ca: bytes
    certificate: bytes
    key: bytes


def read_access(path: Path) -> Access:
    """The current context of a kubeconfig. Raises `KubeconfigError`."""
    try:
        config = msgspec.yaml.decode(path.read_bytes(), type=_Kubeconfig)
        context = next(it for it in config.contexts if it.name == config.current).context
        cluster = next(it for it in config.clusters if it.name == context["cluster"]).cluster
        user = next(it for it in config.users if it.name == context["user"]).user
        return Access(
            server=str(cluster["server"]),
            ca=_pem(cluster, "certificate-authority", path),
            certificate=_pem(user, "client-certificate", path),
            key=_pem(user, "client-key", path),
        )
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise KubeconfigError(
            f"{path}: {error!r}; expected a current context with a server, its CA and a client certificate"
        ) from error


def _pem(table: Mapping[str, object], key: str, path: Path) -> bytes:
    if (inlined := table.get(f"{key}-data")) is not None:
        return base64.b64decode(str(inlined), validate=True)
    return (path.parent / str(table[key])).read_bytes()


def write_identity(access: Access, directory: Path) -> tuple[Path, Path]:
    """Certificate and key as files (0600), which is all that `ssl` can load."""
    paths = (directory / "node.crt", directory / "node.key")
    for path, data in zip(paths, (access.certificate, access.key), strict=True):
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(data)
    return paths


def client_tls(access: Access, identity: tuple[Path, Path]) -> ssl.SSLContext:
    """The API server must chain to the kubeconfig's CA; we are its client certificate."""
    context = ssl.create_default_context(cadata=access.ca.decode())
    context.load_cert_chain(*identity)
    return context


class HasMeta(Protocol):
    """An API object."""

    @property
    def metadata(self) -> Meta:
        """Its ObjectMeta."""
        ...


T = TypeVar("T", bound=HasMeta)


class _Page(msgspec.Struct, frozen=True):
    metadata: dict[str, object]
    items: tuple[msgspec.Raw, ...] | None = None


class Event(msgspec.Struct, frozen=True):
    """One line of a watch."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
    object: msgspec.Raw


class _Status(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class Api:
    """One connection pool to one API server."""

    def __init__(self, server: str, tls: ssl.SSLContext) -> None:
        self.base = URL(server)
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            base_url=self.base,
            connector=aiohttp.TCPConnector(ssl=self._tls),
            read_bufsize=LINE_BYTES_MAX,
            trust_env=False,
            headers={"User-Agent": "isthmus-node-agent"},
        )
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: msgspec.Struct | dict[str, object] | None = None,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
    ) -> bytes:
        """One exchange; the answer's body. Raises `ApiError`."""
        data = None if body is None else msgspec.json.encode(body)
        timeout = aiohttp.ClientTimeout(total=REQUEST_S)
        with _mapped():
            async with self._open.request(
                method, path, data=data, params=params, timeout=timeout,
                headers={"Content-Type": content_type} if data is not None else None,
            ) as response:  # fmt: skip
                answer = await response.read()
                _check(response.status, answer)
                return answer

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise ApiError(0, "the client is not open")
        return self._session

    async def get(self, path: str, kind: type[T]) -> T:
        """One object. Raises `ApiError`."""
        return msgspec.json.decode(await self.request("GET", path), type=kind)

    async def find(self, path: str, kind: type[T]) -> T | None:
        """One object, or None when there is none. Raises `ApiError`."""
        try:
            return await self.get(path, kind)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def merge(self, path: str, body: msgspec.Struct | dict[str, object]) -> bytes:
        """A merge patch: lists replace lists. Raises `ApiError`."""
        return await self.request("PATCH", path, body=body, content_type=MERGE)

    async def list(
        self, path: str, kind: type[T], *, params: Mapping[str, str]
    ) -> tuple[dict[str, T], str]:
        """Every object by uid, and the version of the collection. Raises `ApiError`."""
        found: dict[str, T] = {}
        more = ""
        while True:
            query = {**params, "limit": str(PAGE), **({"continue": more} if more else {})}
            page = msgspec.json.decode(await self.request("GET", path, params=query), type=_Page)
            for raw in page.items or ():
                item = msgspec.json.decode(raw, type=kind)
                found[item.metadata.uid] = item
            more = str(page.metadata.get("continue") or "")
            if not more:
                return found, str(page.metadata.get("resourceVersion", ""))

    async def watch(self, path: str, *, params: Mapping[str, str]) -> AsyncGenerator[Event]:
        """Events until the server ends the watch. Raises `ApiError`."""
        query = {
            **params, "watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_S),
        }  # fmt: skip
        timeout = aiohttp.ClientTimeout(total=None, connect=REQUEST_S, sock_read=SILENCE_S)
        with _mapped():
            async with self._open.get(path, params=query, timeout=timeout) as response:
                if response.status != 200:
                    _check(response.status, await response.read())
                async for line in response.content:
                    yield msgspec.json.decode(line, type=Event)


@contextlib.contextmanager
def _mapped() -> Generator[None]:
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        if isinstance(error, msgspec.MsgspecError):
            raise
        # aiohttp says ValueError of a line over the bound
        raise ApiError(0, f"{type(error).__name__}: {error}") from error


def _check(status: int, body: bytes) -> None:
    if status < 300:
        return
    try:
        message = msgspec.json.decode(body, type=_Status).message
    except msgspec.MsgspecError:
        message = body[:200].decode(errors="replace")
    raise ApiError(status, message)
