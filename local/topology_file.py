"""The topology files of a cloud: what the core and the bridge know, and the less that the edge knows. Pure."""

from local.ground import PRIVATE_NETWORK, PUBLIC_NETWORK, Ground, ad_names

RESERVE_ADS = 0.5
"""Share of private capacity for spilled ads: during a cut all ads of the core come from it."""
RESERVE_CLICKS = 0.1
RESERVE_RAISED = 0.25


def core_topology(ground: Ground, ad_nodes: int) -> str:
    """Both sites; public endpoints are the site link's listeners."""
    return "\n".join(
        ["version: isthmus/v1", "sites:", *_public(ground, ad_nodes, "link"), *_private(ground), ""]
    )


def edge_topology(ground: Ground, ad_nodes: int) -> str:
    """The public site alone, through the relay inside it: the edge has no private address."""
    return "\n".join(["version: isthmus/v1", "sites:", *_public(ground, ad_nodes, "tap"), ""])


def _public(ground: Ground, ad_nodes: int, relay: str) -> list[str]:
    return [
        "  public:",
        f"    networks: [{PUBLIC_NETWORK}]",
        "    services:",
        "      ads:",
        "        endpoints:",
        *(_endpoint(ground.address(f"{relay}/{name}"), name) for name in ad_names(ad_nodes)),
        "      clicks:",
        "        endpoints:",
        _endpoint(ground.address(f"{relay}/clicks-public"), "clicks-public"),
        f'    kafka: {{bootstrap: ["{ground.address(f"{relay}/kafka")}"]}}',
    ]


def _private(ground: Ground) -> list[str]:
    services = {
        "ads": "ads-private",
        "clicks": "clicks-private",
        "orders": "orders-1",
        "profiles": "profiles-1",
    }
    lines = [
        "  private:",
        f"    networks: [{PRIVATE_NETWORK}]",
        f"    reserve: {{ads: {RESERVE_ADS}, clicks: {RESERVE_CLICKS}, raised: {RESERVE_RAISED}}}",
        "    services:",
    ]
    for service, name in services.items():
        lines += [f"      {service}:", "        endpoints:", _endpoint(ground.address(name), name)]
    return [
        *lines,
        f'    kafka: {{bootstrap: ["{ground.address("kafka-private/client")}"]}}',
        f'    warehouse: {{dsn: "file:{ground.path("warehouse.dsn")}"}}',
    ]


def _endpoint(address: str, node: str) -> str:
    return f'          - {{address: "{address}", node: {node}, zone: a}}'
