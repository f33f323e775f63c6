"""Follows the slices of one service for ever: list, watch, go on from the last version, list anew when told to.

It decides nothing about endpoints. While the API server cannot be read, what is known stays known and is
called stale: an API server that is down says nothing about the pods behind it.
"""

import asyncio
import contextlib
import dataclasses
import random
import socket
from collections.abc import AsyncGenerator, Callable
from typing import NoReturn, Protocol

import aiohttp

from policy.topology import KubernetesService
from router.discovery import AFTER, Ending, Listed, Slice, SliceEvent, wait_s
from router.discovery_config import ApiServer, KubeconfigError, load_kubeconfig
from router.discovery_wire import GarbledError, Lines, Refused, decode_line, decode_page

PAGE_SLICES = 500
LIST_BYTES_MAX = 64 << 20
WHY_CHARACTERS_MAX = 300
STEADY_S = 5.0
"""After a round that lived this long the back-off starts anew."""


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """Bounds of talking to an API server, in seconds.

    The server ends a watch after `watch_s`; silence for `silence_s` more than that means a connection that is
    only half there. Bookmarks come about once a minute. Dead peers are found sooner, by TCP keep-alive.
    """

    connect_s: float = 3.0
    list_s: float = 15.0
    watch_s: int = 60
    silence_s: float = 15.0


class Listener(Protocol):
    """Who is told."""

    def happened(self, events: list[SliceEvent]) -> None:
        """What became of the slices, in order; once per piece of news."""
        ...

    def heard(self) -> None:
        """The API server answered: what is known is up to date."""
        ...

    def ended(self, ending: Ending, why: str, *, stale: bool) -> None:
        """A list or watch ended; `why` is for people and shows no credential."""
        ...


class _EndedError(Exception):
    """A list or watch is over."""

    def __init__(self, ending: Ending, why: str) -> None:
        super().__init__(why)
        self.ending = ending
        self.why = why[:WHY_CHARACTERS_MAX]


class Watcher:
    """One service's slices."""

    def __init__(
        self,
        service: KubernetesService,
        listener: Listener,
        *,
        rng: random.Random,
        timing: Timing | None = None,
        load: Callable[[str], ApiServer] = load_kubeconfig,
    ) -> None:
        self._service = service
        self._listener = listener
        self._rng = rng
        self._timing = timing or Timing()
        self._load = load
        self._version = ""

    async def run(self) -> NoReturn:
        """List and watch until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began_s = loop.time()
            ended = await self._round()
            if loop.time() - began_s > STEADY_S:
                failures = 0
            after = AFTER[ended.ending]
            if after.relist:
                self._version = ""
            self._listener.ended(ended.ending, ended.why, stale=after.stale)
            await asyncio.sleep(wait_s(failures, self._rng))
            failures += 1

    async def _round(self) -> _EndedError:
        """One list (when there is no version to go on from) and one watch, and how they ended."""
        try:
            # Read each time: certificates and tokens are rotated in place. Off the loop: it is a file.
            server = await asyncio.to_thread(self._load, self._service.kubeconfig)
            async with _session(server) as session:
                if not self._version:
                    await self._list(session, server)
                await self._watch(session, server)
        except _EndedError as ended:
            return ended
        except (KubeconfigError, GarbledError, aiohttp.ClientError, OSError) as error:
            return _ended(error)
        return _EndedError(Ending.CLOSED, "closed by the API server")

    async def _list(self, session: aiohttp.ClientSession, server: ApiServer) -> None:
        """All slices, page by page; then the version to watch from is known."""
        slices: list[Slice] = []
        more, version = "", ""
        while more or not version:
            page = decode_page(await self._page(session, server, more))
            slices += page.slices
            more, version = page.more, page.version
        self._version = version
        self._listener.heard()
        self._listener.happened([Listed(tuple(slices))])

    async def _page(self, session: aiohttp.ClientSession, server: ApiServer, more: str) -> bytes:
        limits = aiohttp.ClientTimeout(
            total=self._timing.list_s, sock_connect=self._timing.connect_s
        )
        parameters = {"limit": str(PAGE_SLICES), **({"continue": more} if more else {})}
        async with self._get(session, server, parameters, limits=limits) as answer:
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > LIST_BYTES_MAX:
                    raise GarbledError(f"a list of more than {LIST_BYTES_MAX} bytes")
            return bytes(body)

    async def _watch(self, session: aiohttp.ClientSession, server: ApiServer) -> None:
        """Until the API server closes it."""
        timing = self._timing
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=timing.connect_s, sock_read=timing.watch_s + timing.silence_s
        )
        parameters = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(timing.watch_s),
        }
        async with self._get(session, server, parameters, limits=limits) as answer:
            self._listener.heard()
            lines = Lines()
            async for chunk in answer.content.iter_any():
                self._take(lines.feed(chunk))

    @contextlib.asynccontextmanager
    async def _get(
        self,
        session: aiohttp.ClientSession,
        server: ApiServer,
        parameters: dict[str, str],
        *,
        limits: aiohttp.ClientTimeout,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        namespace = self._service.namespace
        selector = f"kubernetes.io/service-name={self._service.service}"
        async with session.get(
            f"{server.server}/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices",
            params={"labelSelector": selector, **parameters},
            timeout=limits,
            allow_redirects=False,
            server_hostname=server.tls_name or None,
        ) as answer:
            if answer.status != 200:
                raise _refused(answer.status)
            yield answer

    def _take(self, lines: list[bytes]) -> None:
        """Everything one piece brought is told at once, so that a burst is one change."""
        events: list[SliceEvent] = []
        try:
            for line in lines:
                news = decode_line(line)
                if isinstance(news, Refused):
                    raise _refused(news.code)
                self._version = news.version
                self._listener.heard()
                if news.event is not None:
                    events.append(news.event)
        finally:
            if events:
                self._listener.happened(events)


@contextlib.asynccontextmanager
async def _session(server: ApiServer) -> AsyncGenerator[aiohttp.ClientSession]:
    """One connection, with nothing of a browser about it."""
    connector = aiohttp.TCPConnector(ssl=server.tls, socket_factory=_kept_alive, limit=1)
    async with aiohttp.ClientSession(
        connector=connector, headers=server.headers, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


def _ended(error: Exception) -> _EndedError:
    """What an exception on the way says of the API server; `TimeoutError` is an `OSError`."""
    match error:
        case KubeconfigError():
            return _EndedError(Ending.UNUSABLE, str(error))
        case GarbledError():
            return _EndedError(Ending.GARBLED, str(error))
        case TimeoutError() if not isinstance(error, aiohttp.ConnectionTimeoutError):
            return _EndedError(Ending.SILENT, "nothing came in time")
        case _:
            return _EndedError(Ending.UNREACHABLE, f"{type(error).__name__}: {error}")


def _kept_alive(
    address: "tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]",
) -> socket.socket:
    """A socket whose kernel asks after a silent peer: 5 s, then twice 5 s more, and it is dead."""
    made = socket.socket(address[0], address[1], address[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
    return made


def _refused(status: int) -> _EndedError:
    match status:
        case 410:
            return _EndedError(Ending.EXPIRED, "the version to go on from is too old")
        case 401 | 403:
            return _EndedError(
                Ending.DENIED,
                f"{status}; expected credentials that may list and watch endpointslices; "
                "fix: give the kubeconfig's user a role with these verbs",
            )
        case _ if status == 429 or status >= 500:
            return _EndedError(Ending.UNREACHABLE, f"answered {status}")
        case _:
            return _EndedError(Ending.GARBLED, f"answered {status}; expected 200")
