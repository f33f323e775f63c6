"""Builders for node agent tests: settings, pods, and an API server in memory."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from local.agent_api import Api
from local.agent_objects import Meta, Pod, PodSpec
from local.agent_parts import Container
from local.agent_settings import AgentSettings, ProcessImage

IMAGE = "isthmus.local/process"


def settings(**changes: object) -> AgentSettings:
    made = AgentSettings(
        name="ads-1", pool="ads", traffic_class="public", kubeconfig="/c/kubeconfig",
        directory="/c/agents/ads-1", ready="/c/ready", cgroup="isthmus-ab12/public/ads-1",
        network="10.97.1.0/24", site_network="10.97.0.0/16", gateway="10.97.0.1",
        namespace_prefix="isab12",
        image=ProcessImage(entrypoint=("/venv/bin/isthmus",), working_directory="/checkout"),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def container(name: str = "web", **changes: object) -> Container:
    return msgspec.structs.replace(Container(name=name, image=IMAGE, command=("serve",)), **changes)


def pod(*containers: Container, meta: dict[str, object] | None = None, **spec: object) -> Pod:
    base = Meta(name="web-1", namespace="shop", uid="0a1b2c3d-0000-4000-8000-000000000001")
    return Pod(
        metadata=msgspec.structs.replace(base, **(meta or {})),
        spec=PodSpec(containers=containers or (container(),), **spec),  # type: ignore[arg-type]
    )


class FakeApi:
    """Objects by path; every write is kept; watches get what `send` is given."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, object]] = {}
        self.lists: dict[str, list[dict[str, object]]] = {}
        self.writes: list[tuple[str, str, object]] = []
        self.refusals: dict[tuple[str, str], list[int]] = {}
        self.watches: asyncio.Queue[tuple[str, dict[str, str]]] = asyncio.Queue()
        self.events: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.pages: list[str] = []
        self.kinds: list[str] = []

    def send(self, kind: str, thing: dict[str, object]) -> None:
        self.events.put_nowait(msgspec.json.encode({"type": kind, "object": thing}) + b"\n")

    def end_watch(self) -> None:
        self.events.put_nowait(None)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        refused = self.refusals.get((request.method, path))
        if refused:
            return web.json_response({"code": refused[0], "message": "no"}, status=refused.pop(0))
        if request.method != "GET":
            body = msgspec.json.decode(await request.read() or b"null")
            self.writes.append((request.method, path, body))
            self.kinds.append(request.content_type)
            return web.json_response(self.objects.get(path, {}))
        if "watch" in request.query:
            return await self._watch(request)
        if path in self.lists:
            return self._page(request)
        if path in self.objects:
            return web.json_response(self.objects[path])
        return web.json_response({"code": 404, "message": "not found"}, status=404)

    def _page(self, request: web.Request) -> web.Response:
        items, start = self.lists[request.path], int(request.query.get("continue", "0"))
        self.pages.append(request.query.get("continue", ""))
        end = start + int(request.query["limit"])
        meta = {"resourceVersion": "7", "continue": str(end) if end < len(items) else ""}
        return web.json_response({"metadata": meta, "items": items[start:end]})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        self.watches.put_nowait((request.path, dict(request.query)))
        response = web.StreamResponse()
        await response.prepare(request)
        while (line := await self.events.get()) is not None:
            await response.write(line)
        return response


@contextlib.asynccontextmanager
async def api_server() -> AsyncIterator[tuple[FakeApi, Api]]:
    fake = FakeApi()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", fake.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with Api(f"http://127.0.0.1:{port}", ssl.create_default_context()) as api:
            yield fake, api
    finally:
        await runner.cleanup()


def thing(name: str, *, version: str = "1", **fields: object) -> dict[str, object]:
    meta = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": version}
    return {"metadata": meta, **fields}
