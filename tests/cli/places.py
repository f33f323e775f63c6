"""A place with nothing in it, changed by what a test names."""

from pathlib import Path

import msgspec

from cli.demo_place import Place

NOWHERE = Place(
    core="127.0.2.30:1", edge="127.0.1.30:1", mark="", read_metrics=list, evidence=(), taps=(), router_pids=(),
    public=(), ledger_dsn="", warehouse_dsn="", bridge_settings=Path(), ad_nodes=10, environment={},
)  # fmt: skip


def place(**changes: object) -> Place:
    """A place."""
    return msgspec.structs.replace(NOWHERE, **changes)
