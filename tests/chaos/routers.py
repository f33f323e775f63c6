"""Two real routers on one policy file, for the tests that swap it."""

from pathlib import Path

import msgspec

from contracts.settings import RouterSettings
from runtime.ready import read_ready
from tests.chaos.stage import ROOT, Stage, eventually

TOPOLOGY = """\
version: isthmus/v1
sites:
  public:
    networks: [127.0.1.0/24]
    services: {ads: {endpoints: [{address: "127.0.1.9:1", node: ad-1, zone: a}]}, clicks: {endpoints: [{address: "127.0.1.9:2", node: c-1, zone: a}]}}
"""
PRIVATE = """\
  private:
    networks: [127.0.2.0/24]
    services:
      orders: {endpoints: [{address: "127.0.2.9:1", node: orders-1, zone: a}]}
      profiles: {endpoints: [{address: "127.0.2.9:2", node: profiles-1, zone: a}]}
"""


def add_routers(stage: Stage) -> Path:
    """Start core and edge beside the stage's other processes; returns their policy file."""
    policy = stage.root / "policy.yaml"
    policy.write_text((ROOT / "local/policy.yaml").read_text())
    for placement, site in (("core", "private"), ("edge", "public")):
        topology = stage.root / f"{placement}.yaml"
        topology.write_text(TOPOLOGY + (PRIVATE if placement == "core" else ""))
        host = "127.0.2.3" if placement == "core" else "127.0.1.3"
        admin = Path(stage.root, f"{placement}.sock")
        settings = RouterSettings(
            name=f"router-{placement}", placement=placement, site=site, policy=str(policy),
            topology=str(topology), listen=f"{host}:0", probe=f"{host}:0", admin=str(admin),
            evidence=str(stage.root / f"evidence-{placement}"),
            ready=str(stage.root / f"router-{placement}.ready"), source_address=host,
        )  # fmt: skip
        path = stage.root / f"{placement}.json"
        path.write_bytes(msgspec.json.encode(settings))
        stage.start(f"router-{placement}", "router", ("-m", "router", "--settings", str(path)))
        ready = Path(settings.ready)
        eventually(lambda ready=ready: read_ready(ready) is not None, within_s=60)
        addresses = read_ready(ready).addresses
        stage.endpoint(placement, addresses["http"])
        stage.endpoint(f"{placement}.probe", addresses["probe"])
        stage.endpoint(f"{placement}.admin", addresses["admin"])
    return policy
