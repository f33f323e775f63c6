"""The plan of a cloud: what runs, and what a switched-off mechanism changes of it."""

from pathlib import PurePath
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import BridgeSettings, RouterSettings
from local.plan import CloudOptions, Mechanism, ProcessSpec, endpoints, plan_cloud
from local.relay_settings import RelaySettings
from tests.local.grounds import engines_of, ground_of

GROUND, ENGINES = ground_of(), engines_of()
MECHANISMS: tuple[Mechanism, ...] = get_args(Mechanism)


def plan(*without: Mechanism, ad_nodes: int = 10) -> dict[str, ProcessSpec]:
    options = CloudOptions(without=frozenset(without), ad_nodes=ad_nodes)
    specs = plan_cloud(options, ground_of(ad_nodes), ENGINES)
    assert len({spec.name for spec in specs}) == len(specs)
    return {spec.name: spec for spec in specs}


def changed(*without: Mechanism) -> set[str]:
    whole, other = plan(), plan(*without)
    return {name for name, spec in whole.items() if other[name] != spec}


@pytest.mark.parametrize(
    ("mechanism", "processes"),
    [
        ("scan", {"router-core", "router-edge"}),
        ("guard-and-scan", {"router-core", "router-edge"}),
        ("failover", {"router-core", "router-edge"}),
        ("eos", {"bridge"}),
        ("idempotency", {"orders-1"}),
    ],
)
def test_a_control_changes_only_the_processes_of_its_mechanism(
    mechanism: Mechanism, processes: set[str]
) -> None:
    """Switching one mechanism off restarts nothing else."""
    assert changed(mechanism) == processes


def settings_of(spec: ProcessSpec) -> str:
    return next(text for path, text in spec.files.items() if path.endswith(".json"))


@pytest.mark.parametrize(
    ("mechanism", "disabled"),
    [("scan", {"scan"}), ("guard-and-scan", {"scan", "guard"}), ("failover", {"failover"})],
)
def test_routers_are_told_what_to_leave_out(mechanism: Mechanism, disabled: set[str]) -> None:
    """Both routers get the same."""
    specs = plan(mechanism)
    for name in ("router-core", "router-edge"):
        settings = msgspec.json.decode(settings_of(specs[name]), type=RouterSettings)
        assert set(settings.disable) == disabled


@given(st.sets(st.sampled_from(MECHANISMS)), st.integers(1, 19))
def test_any_plan_is_startable(without: set[Mechanism], ad_nodes: int) -> None:
    """Dependencies exist and have no cycle; settings decode; everything carries the cloud's mark."""
    specs = plan(*without, ad_nodes=ad_nodes)
    started: set[str] = set()
    while len(started) < len(specs):
        ready = {n for n, s in specs.items() if n not in started and set(s.after) <= started}
        assert ready, "a cycle"
        started |= ready
    for spec in specs.values():
        assert spec.environ["ISTHMUS_CLOUD"] == GROUND.root
        for path, text in spec.files.items():
            assert PurePath(path).is_relative_to(GROUND.root)
            if spec.role == "relay":
                msgspec.json.decode(text, type=RelaySettings)
            elif spec.role == "bridge":
                msgspec.json.decode(text, type=BridgeSettings)


def test_nothing_public_knows_a_private_address() -> None:
    """Command lines, settings and topology of public processes name no private address."""
    for spec in plan().values():
        if spec.site == "public":
            told = " ".join([*spec.argv, *spec.files.values(), *spec.environ.values()])
            assert "127.0.2." not in told, spec.name


def test_every_public_service_is_behind_both_relays() -> None:
    """Each has a listener on the site link and on the relay inside, with its own target."""
    specs = plan()
    for name in ("relay-link", "relay-tap"):
        settings = msgspec.json.decode(settings_of(specs[name]), type=RelaySettings)
        targets = {listener.name: listener.target for listener in settings.listeners}
        for service, spec in specs.items():
            if spec.site == "public" and spec.role in {"ads", "clicks"}:
                assert targets[service] == spec.argv[spec.argv.index("--listen") + 1]
        assert len(set(targets.values())) == len(targets)


def test_no_password_stands_on_a_command_line() -> None:
    """The DSN names a passfile at most."""
    told = " ".join(word for spec in plan().values() for word in spec.argv)
    assert "password" not in told


def test_endpoints_are_those_of_the_contract() -> None:
    """Every name the contract's docstring promises is there."""
    found = endpoints(GROUND, ledger_dsn="l", warehouse_dsn="w")
    assert set(found) == {
        "core", "edge", "core.probe", "edge.probe", "core.admin", "edge.admin", "core.evidence",
        "edge.evidence", "link.control", "tap.control", "bridge.control", "orders.control",
        "kafka.public", "kafka.public.link", "kafka.private", "ledger.dsn", "warehouse.dsn",
    }  # fmt: skip
