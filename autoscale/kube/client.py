"""The port on the official client: its configuration, credentials and connections; nothing else of it is used."""

from collections.abc import Iterator, Mapping
from typing import Protocol, cast
from urllib.parse import urlencode

import urllib3
from kubernetes import config as kubernetes_config  # pyright: ignore[reportMissingTypeStubs] - cast below
from kubernetes.client import Configuration  # pyright: ignore[reportMissingTypeStubs] - cast below
from kubernetes.client.rest import RESTClientObject  # pyright: ignore[reportMissingTypeStubs] - cast below
from urllib3.exceptions import HTTPError

from autoscale.kube.ports import BAD_REQUEST, Answer, Ask, UnreachableError, refused

CONNECT_S = 3.0
CONNECTIONS = 16
"""A watch holds one each; requests share the rest."""
LINE_BYTES_MAX = 4 << 20
"""An object is 1.5 MiB at most in etcd, more in JSON; a longer line is no watch event."""


class ConfigurationFault(Exception):  # noqa: N818 - as UsageError would be: the caller's, not ours
    """No usable kubeconfig, and not inside a cluster either."""


class _Configured(Protocol):
    """The part of the client's untyped configuration that is used."""

    host: str
    connection_pool_maxsize: int

    def get_api_key_with_prefix(self, identifier: str, alias: str) -> str | None: ...


class _Loaders(Protocol):
    def load_kube_config(self, config_file: str, *, client_configuration: _Configured) -> None: ...
    def load_incluster_config(self, *, client_configuration: _Configured) -> None: ...


class _Rest(Protocol):
    pool_manager: urllib3.PoolManager


class Client:
    """An API server; `kubeconfig` empty means the one this pod runs in."""

    def __init__(self, kubeconfig: str = "") -> None:
        loaders = cast("_Loaders", kubernetes_config)
        settings = cast("_Configured", Configuration())
        try:
            if kubeconfig:
                loaders.load_kube_config(kubeconfig, client_configuration=settings)
            else:
                loaders.load_incluster_config(client_configuration=settings)
        except (kubernetes_config.ConfigException, OSError, TypeError, ValueError) as error:
            place = kubeconfig or "the service account of this pod"
            raise ConfigurationFault(
                f"{place}: {error}; expected credentials of a cluster. fix: name a kubeconfig in the settings"
            ) from error
        settings.connection_pool_maxsize = CONNECTIONS
        self._settings = settings
        rest = cast("_Rest", RESTClientObject(settings))
        self._pool = rest.pool_manager

    @property
    def host(self) -> str:
        """The API server's URL."""
        return self._settings.host

    def ask(self, ask: Ask, *, timeout_s: float) -> Answer:
        """See `Transport`."""
        headers = self._headers() | {"Content-Type": ask.content}
        timeout = urllib3.Timeout(connect=min(CONNECT_S, timeout_s), read=timeout_s)
        try:
            answer = self._pool.request(
                ask.method, self._url(ask.path, ask.query), body=ask.body or None, headers=headers,
                timeout=timeout, retries=False, redirect=False,
            )  # fmt: skip
        except (HTTPError, OSError) as error:
            raise UnreachableError(f"{ask.method} {ask.path}: {error}") from error
        return Answer(
            status=answer.status, body=answer.data, retry_after_s=_seconds(answer.headers.get("Retry-After"))
        )  # fmt: skip

    def watch(self, path: str, query: Mapping[str, str], *, silence_s: float) -> Iterator[bytes]:
        """See `Transport`."""
        try:
            answer = self._pool.request(
                "GET", self._url(path, query), headers=self._headers(), preload_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_S, read=silence_s), retries=False, redirect=False,
            )  # fmt: skip
        except (HTTPError, OSError) as error:
            raise UnreachableError(f"watch {path}: {error}") from error
        try:
            if answer.status >= BAD_REQUEST:
                after_s = _seconds(answer.headers.get("Retry-After"))
                raise refused(Answer(status=answer.status, body=answer.data, retry_after_s=after_s))
            yield from _lines(answer)
        except (HTTPError, OSError) as error:
            raise UnreachableError(f"watch {path}: {error}") from error
        finally:
            # a connection with half an answer on it is of no use to anybody
            answer.close()

    def _headers(self) -> dict[str, str]:
        # asked anew each time: a token that was rotated is read again
        # (before 36 under the second name)
        bearer = self._settings.get_api_key_with_prefix("BearerToken", "authorization")
        return {"Accept": "application/json"} | ({"Authorization": bearer} if bearer else {})

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        return f"{self._settings.host}{path}" + (f"?{urlencode(query)}" if query else "")


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in answer.stream(decode_content=True):
        rest += chunk
        *whole, rest = rest.split(b"\n")
        yield from (line for line in whole if line)
        if len(rest) > LINE_BYTES_MAX:
            raise UnreachableError(f"a watch line of more than {LINE_BYTES_MAX} bytes")


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isdigit() else 0.0
