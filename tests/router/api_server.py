"""A small API server for EndpointSlices over TLS with client certificates, that fails in the ways real ones do."""

import asyncio
import contextlib
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

HOST = "127.0.3.9"
PATH = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"


@dataclass(frozen=True)
class Certificates:
    """A certificate authority, a server's and a client's certificate, and a stranger's authority."""

    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()


def make_certificates(folder: Path) -> Certificates:
    """By openssl, which every machine that speaks TLS has."""
    assert shutil.which("openssl"), "these tests make certificates with openssl: install it"

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    for authority in ("ca", "stranger"):
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", f"{authority}.key", "-out", f"{authority}.pem", "-days", "2", "-subj", f"/CN={authority}",
        )  # fmt: skip
    for name, subject in (("server", "/CN=api"), ("client", "/CN=router")):
        (folder / "ext").write_text(f"subjectAltName=IP:{HOST},DNS:api.test\n")
        openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject,
        )  # fmt: skip
        openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-out", f"{name}.pem", "-extfile", "ext",
        )  # fmt: skip
    return Certificates(folder)


def endpoint(address: str, *, ready: bool | None = True, terminating: bool = False, pod: str = ""):
    pod = pod or f"pod-{address.replace('.', '-')}"
    return {
        "addresses": [address],
        "conditions": {"ready": ready, "serving": ready, "terminating": terminating},
        "nodeName": f"node-{address.rpartition('.')[2]}",
        "targetRef": {"kind": "Pod", "name": pod, "uid": f"uid-{pod}"},
        "zone": "a",
    }


def slice_of(name: str, *endpoints: dict[str, object], port: int = 8080, port_name: str = "http"):
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": "ads"}},
        "endpoints": list(endpoints),
        "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
    }


@dataclass(eq=False)
class ApiServerFake:
    """Slices, their history, and what goes wrong next."""

    version: int = 10
    oldest: int = 0
    slices: dict[str, dict[str, object]] = field(default_factory=dict)
    history: list[tuple[int, bytes]] = field(default_factory=list)
    watches: list[asyncio.Queue[bytes | None]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    port: int = 0
    page: int = 0
    """Slices per page of a list; 0 for all."""
    status: int = 0
    """Answered to everything while it is not 0."""
    hang: bool = False
    """Requests are accepted and never answered."""
    expired_as_event: bool = False

    @property
    def lists(self) -> list[dict[str, str]]:
        return [it for it in self.asked if "watch" not in it]

    @property
    def watched(self) -> list[dict[str, str]]:
        return [it for it in self.asked if "watch" in it]

    # ------------------------------------------------------------- what happens in the cluster

    def put(self, made: dict[str, object]) -> None:
        name = made["metadata"]["name"]
        kind = "MODIFIED" if name in self.slices else "ADDED"
        self.slices[name] = made
        self._tell(kind, made)

    def delete(self, name: str) -> None:
        self._tell("DELETED", self.slices.pop(name))

    def bookmark(self) -> None:
        self.version += 1
        meta = {"kind": "EndpointSlice", "metadata": {"resourceVersion": str(self.version)}}
        self.say(_line("BOOKMARK", meta))

    def forget(self) -> None:
        """Compact the history, without anybody being told: a version from before now is too old."""
        self.version += 1
        self.oldest = self.version

    def say(self, line: bytes) -> None:
        for watch in self.watches:
            watch.put_nowait(line)

    def close_watches(self) -> None:
        for watch in self.watches:
            watch.put_nowait(None)

    def _tell(self, kind: str, made: dict[str, object]) -> None:
        self.version += 1
        made["metadata"]["resourceVersion"] = str(self.version)
        line = _line(kind, made)
        self.history.append((self.version, line))
        self.say(line)

    # ------------------------------------------------------------- what is answered

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        query = dict(request.query)
        self.asked.append(query)
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.hang:
            await asyncio.Event().wait()
        if self.status:
            return web.json_response({"kind": "Status", "code": self.status}, status=self.status)
        if request.path != PATH or query["labelSelector"] != "kubernetes.io/service-name=ads":
            return web.json_response({"kind": "Status", "code": 404}, status=404)
        return await self._watch(request, query) if "watch" in query else self._list(query)

    def _list(self, query: dict[str, str]) -> web.Response:
        start = int(query.get("continue", "0"))
        if "continue" in query and self.oldest > 0:
            return web.json_response({"kind": "Status", "code": 410}, status=410)
        names = sorted(self.slices)
        size = self.page or len(names) or 1
        more = str(start + size) if start + size < len(names) else ""
        return web.json_response(
            {
                "kind": "EndpointSliceList",
                "apiVersion": "discovery.k8s.io/v1",
                "metadata": {"resourceVersion": str(self.version), "continue": more},
                "items": [self.slices[name] for name in names[start : start + size]],
            }
        )

    async def _watch(self, request: web.BaseRequest, query: dict[str, str]) -> web.StreamResponse:
        since = int(query["resourceVersion"])
        if since < self.oldest and not self.expired_as_event:
            return web.json_response({"kind": "Status", "code": 410}, status=410)
        answer = web.StreamResponse()
        await answer.prepare(request)
        if since < self.oldest:
            await answer.write(_line("ERROR", {"kind": "Status", "code": 410}))
            return answer
        waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
        for version, line in self.history:
            if version > since:
                waiting.put_nowait(line)
        self.watches.append(waiting)
        try:
            while (line := await waiting.get()) is not None:
                await answer.write(line)
        finally:
            self.watches.remove(waiting)
        return answer


def _line(kind: str, thing: dict[str, object]) -> bytes:
    return json.dumps({"type": kind, "object": thing}).encode() + b"\n"


@contextlib.asynccontextmanager
async def serving(certificates: Certificates) -> AsyncGenerator[ApiServerFake]:
    """A fake that is gone when the context ends."""
    fake = ApiServerFake()
    server = web.Server(fake.handle)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificates.folder / "server.pem", certificates.folder / "server.key")
    tls.load_verify_locations(certificates.folder / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    bound = await asyncio.get_running_loop().create_server(server, HOST, 0, ssl=tls)
    fake.port = bound.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        bound.close()
        for door in server.connections:
            if door.transport is not None:
                door.transport.abort()
        await server.shutdown(0.1)


def kubeconfig(folder: Path, certificates: Certificates, port: int, **user: str) -> Path:
    """A kubeconfig that names the certificates' files, with anything of the user replaced or added."""
    credentials = {
        "client-certificate": str(certificates.folder / "client.pem"),
        "client-key": str(certificates.folder / "client.key"),
    } | user
    path = folder / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": "c",
                        "cluster": {
                            "server": f"https://{HOST}:{port}",
                            "certificate-authority": str(certificates.folder / "ca.pem"),
                        },
                    }
                ],
                "users": [{"name": "u", "user": credentials}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return path
