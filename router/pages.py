"""The two doors for operators: the probe port (`/healthz /readyz /metrics`) and the admin socket.

The admin socket is a unix socket of mode 0600 that speaks HTTP. `reload` re-reads the configured files and
never takes one from a body; `explain` judges a described request and names rules, never values.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from aiohttp import web

from contracts.settings import RouterSettings
from policy.model import HeldBody, RequestHead
from router.generation import Generation

Respond = Callable[[web.Request], Awaitable[web.Response]]


class EndpointState(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint as `sites` shows it."""

    address: str
    node: str
    services: tuple[str, ...]
    state: str
    outstanding: int


class SiteState(msgspec.Struct, frozen=True, kw_only=True):
    """One site as `sites` shows it."""

    name: str
    breaker: str
    endpoints: tuple[EndpointState, ...]


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """`/readyz`: `disabled` is never empty unnoticed; a router with anything in it protects less."""

    ready: bool
    draining: bool
    placement: str
    policy: str
    generation: int
    disabled: tuple[str, ...]


class ExplainRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to judge: `body` is text, empty when there is none."""

    method: str = "GET"
    target: str = "/"
    host: str = "localhost"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict and where the request could go, in order."""

    sensitivity: str
    traffic_class: str
    route: str
    reasons: tuple[str, ...]
    sites: tuple[str, ...]


class Operated(Protocol):
    """What the pages show and do; a worker is one."""

    settings: RouterSettings

    def current(self) -> Generation:
        """The generation in force."""
        ...

    def readiness(self) -> Readiness:
        """What /readyz says."""
        ...

    def sites(self) -> tuple[SiteState, ...]:
        """What `sites` says."""
        ...

    def metrics_text(self) -> bytes:
        """The exposition."""
        ...

    def drain(self) -> None:
        """Take no more."""
        ...

    async def reload(self) -> str:
        """Re-read the files; empty when in force, else why not."""
        ...


def probe_app(operated: Operated) -> web.Application:
    """The probe port."""
    app = web.Application()
    app.add_routes(_probe_routes(operated))
    return app


def admin_app(operated: Operated) -> web.Application:
    """The admin socket; the probe port's pages are here as well."""
    app = web.Application(client_max_size=1 << 20)
    app.add_routes([*_probe_routes(operated), *_admin_routes(operated)])
    return app


def json_answer(
    value: msgspec.Struct | tuple[msgspec.Struct, ...], status: int = 200
) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json"
    )


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an order: `error` says what, where, expected and fix when `ok` is false."""

    ok: bool
    error: str = ""


def _probe_routes(operated: Operated) -> list[web.RouteDef]:
    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        readiness = operated.readiness()
        return json_answer(readiness, 200 if readiness.ready else 503)

    async def metrics(_request: web.Request) -> web.Response:
        return metrics_answer(operated.metrics_text())

    return [
        web.get("/healthz", healthz),
        web.get("/readyz", readyz),
        web.get("/metrics", metrics),
    ]


def metrics_answer(text: bytes) -> web.Response:
    """A Prometheus exposition."""
    return web.Response(
        body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


def _admin_routes(operated: Operated) -> list[web.RouteDef]:
    async def config(_request: web.Request) -> web.Response:
        return json_answer(operated.settings)

    async def sites(_request: web.Request) -> web.Response:
        return json_answer(operated.sites())

    async def explain(request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=ExplainRequest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return json_answer(Outcome(ok=False, error=f"not an ExplainRequest: {error}"), 400)
        return json_answer(explained(operated.current(), asked))

    async def drain(_request: web.Request) -> web.Response:
        operated.drain()
        return json_answer(Outcome(ok=True))

    async def reload(_request: web.Request) -> web.Response:
        error = await operated.reload()
        return json_answer(Outcome(ok=not error, error=error), 409 if error else 200)

    return [
        web.get("/config", config),
        web.get("/sites", sites),
        web.post("/explain", explain),
        web.post("/drain", drain),
        web.post("/reload", reload),
    ]


def explained(generation: Generation, asked: ExplainRequest) -> Explanation:
    """Judge a described request."""
    body = asked.body.encode()
    named = {name.lower() for name, _ in asked.headers}
    headers = list(asked.headers)
    if "host" not in named:
        headers.insert(0, ("Host", asked.host))
    if body and "content-length" not in named:
        headers.append(("Content-Length", str(len(body))))
    head = RequestHead(
        method=asked.method,
        target=asked.target.encode(),
        host=asked.host,
        headers=tuple((name.encode(), value.encode()) for name, value in headers),
        has_body=bool(body),
        content_length=len(body) if body else None,
    )
    verdict = generation.judge(head, HeldBody(data=body) if body else None)
    return Explanation(
        sensitivity=verdict.sensitivity.name.lower(),
        traffic_class=verdict.traffic_class,
        route=verdict.route.id if verdict.route else "",
        reasons=tuple(str(reason) for reason in verdict.reasons),
        sites=tuple(outlet.site for outlet in generation.egress(verdict).outlets),
    )
