"""The operators' doors: probe port and admin socket."""

import json
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from router.pages import admin_app, probe_app
from tests.router.harness import Cloud, mobile, running_cloud


@pytest.fixture
async def admin(cloud: Cloud):
    async with TestClient(TestServer(admin_app(cloud.worker))) as client:
        yield client


async def test_the_probe_port_says_alive_ready_and_metrics(cloud: Cloud) -> None:
    """Three pages and nothing else: no admin order is taken there."""
    async with TestClient(TestServer(probe_app(cloud.worker))) as client:
        assert (await client.get("/healthz")).status == 200
        ready = await client.get("/readyz")
        assert ready.status == 200
        assert (await ready.json())["disabled"] == []
        text = await (await client.get("/metrics")).text()
        assert "isthmus_router_upstream_state" in text
        assert (await client.post("/drain")).status == 404


async def test_a_router_with_something_off_says_so(tmp_path: Path) -> None:
    """On /readyz and in its metrics."""
    async with running_cloud(tmp_path, disable=("scan",)) as cloud:
        async with TestClient(TestServer(probe_app(cloud.worker))) as client:
            assert (await (await client.get("/readyz")).json())["disabled"] == ["scan"]
        assert cloud.metric("isthmus_router_disabled", mechanism="scan") == 1
        assert cloud.metric("isthmus_router_disabled", mechanism="guard") == 0


async def test_explain_names_rules_and_places_never_values(admin, cloud: Cloud) -> None:
    """The verdict on a described request, head and body."""
    asked = {"target": f"/ads?q={mobile()}"}
    answer = await (await admin.post("/explain", json=asked)).json()
    assert answer["traffic_class"] == "raised"
    assert answer["sites"] == ["private"]
    assert mobile() not in json.dumps(answer)
    click = {
        "method": "POST",
        "target": "/clicks",
        "body": '{"a": 1}',
        "headers": [["Content-Type", "application/json"]],
    }
    answer = await (await admin.post("/explain", json=click)).json()
    assert answer["route"] == "click"
    assert answer["sites"] == ["public", "private"]


@pytest.mark.parametrize("body", [b"", b"\xff", b'{"what": 1}', b"[]"])
async def test_explain_refuses_what_is_no_request(admin, body: bytes) -> None:
    """400 with the reason."""
    answer = await admin.post("/explain", data=body)
    assert answer.status == 400
    assert "ExplainRequest" in (await answer.json())["error"]


async def test_config_and_sites_show_what_runs(admin, cloud: Cloud) -> None:
    """Settings as read, endpoints with state and load."""
    assert (await (await admin.get("/config")).json())["name"] == "router-test"
    sites = {site["name"]: site for site in await (await admin.get("/sites")).json()}
    assert sites["public"]["breaker"] == "closed"
    assert {e["node"] for e in sites["private"]["endpoints"]} >= {"orders-1", "profiles-1"}


async def test_reload_reads_the_configured_files_only(admin, cloud: Cloud) -> None:
    """A body is not taken; a bad file is 409 with the reason."""
    before = cloud.worker.current().number
    assert (await admin.post("/reload", data=b"version: nonsense")).status == 200
    assert cloud.worker.current().number == before + 1
    (cloud.root / "topology.yaml").write_text("")
    answer = await admin.post("/reload")
    assert answer.status == 409
    assert "topology.yaml" in (await answer.json())["error"]


async def test_drain_turns_ready_off_and_closes_connections(admin, cloud: Cloud) -> None:
    """/readyz says 503 and answers say `Connection: close`; requests are still served."""
    assert (await admin.post("/drain")).status == 200
    assert (await admin.get("/readyz")).status == 503
    async with aiohttp.ClientSession() as client, client.get(cloud.url("/ads")) as answer:
        assert answer.status == 200
        assert answer.headers["Connection"] == "close"
