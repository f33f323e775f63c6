"""The files that routers and the bridge read are such as they take."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import BridgeSettings, RouterSettings
from infra.config import Settings, parse
from infra.documents import SiteFacts, bridge_settings, checksum, router_settings, topology
from infra.policy_file import read_policy
from infra.stacks import ROOT
from infra.workloads import workloads
from policy.load_topology import load_topology
from policy.problems import PolicyError
from tests.infra.stage import fabric_values

POLICY, _ = read_policy(Settings(), ROOT)
SETTINGS = parse(fabric_values())


def facts(public: str = "10.1.0.0/16") -> tuple[SiteFacts, ...]:
    return (
        SiteFacts(site="public", networks=(public,), kafka=SETTINGS.kafka_public),
        SiteFacts(site="private", networks=("10.2.0.0/16",), kafka=SETTINGS.kafka_private),
    )


def of(reader, known=None, settings=SETTINGS):
    listed = workloads(settings, POLICY)
    return topology(reader, known or facts(), workloads=listed, settings=settings, policy=POLICY)


def test_the_edge_knows_no_private_site() -> None:
    """Neither an address nor a name of it is in the edge's topology."""
    text = of("edge")
    assert set(load_topology(text.encode(), "t", POLICY).sites[0].services) == {"ads", "clicks"}
    assert "private" not in text
    assert "10.2." not in text


def test_the_core_prefers_the_public_site_and_keeps_the_reserve() -> None:
    """Sites in order of preference; shares as configured."""
    found = load_topology(of("core").encode(), "t", POLICY)
    assert [site.name for site in found.sites] == ["public", "private"]
    assert found.sites[1].reserve == {"ads": 0.5, "clicks": 0.5, "raised": 0.25}
    assert set(found.sites[1].services) == {"ads", "clicks", "orders", "profiles"}


def test_services_are_found_in_the_clusters() -> None:
    """No endpoint is written down: each site's are read with that site's kubeconfig."""
    content = msgspec.json.decode(of("core"))
    assert content["sites"]["public"]["services"]["ads"] == {
        "kubernetes": {
            "kubeconfig": "file:/run/isthmus/kubeconfig/public", "namespace": "isthmus",
            "service": "ads", "port": 8080,
        }
    }  # fmt: skip


def test_the_bridge_knows_brokers_and_no_service() -> None:
    """And its warehouse by the name of a variable, never by its content."""
    content = msgspec.json.decode(of("bridge"))
    assert content["sites"]["private"]["kafka"] == {"bootstrap": ["10.2.0.9:9092"]}
    assert content["sites"]["private"]["warehouse"] == {"dsn": "env:WAREHOUSE_DSN"}
    assert not any("services" in site for site in content["sites"].values())
    assert "10.2.0.8" not in of("bridge")


def test_sites_whose_networks_overlap_are_refused_before_a_pod_sees_them() -> None:
    """The policy's own loader has the word."""
    with pytest.raises(PolicyError, match="overlaps"):
        of("core", facts(public="10.2.0.0/24"))


def test_a_broker_outside_its_sites_networks_is_refused() -> None:
    """A public broker at a private address would carry records the wrong way."""
    wrong = (msgspec.structs.replace(facts()[0], kafka=("10.2.0.9:9092",)), facts()[1])
    with pytest.raises(PolicyError, match="outside the site's networks"):
        of("bridge", wrong)


def test_settings_are_what_the_programs_decode() -> None:
    """Strictly, as they do themselves; nothing is switched off."""
    for placement, site in (("core", "private"), ("edge", "public")):
        settings = msgspec.json.decode(router_settings(placement), type=RouterSettings)
        assert (settings.site, settings.placement, settings.disable) == (site, placement, ())
    bridge = msgspec.json.decode(bridge_settings(SETTINGS), type=BridgeSettings)
    assert bridge.warehouse_topics == ("public.clicks", "clicks")
    none = msgspec.json.decode(bridge_settings(Settings()), type=BridgeSettings)
    assert none.warehouse_topics == ()


FILES = st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3)


@given(FILES, FILES)
def test_a_checksum_tells_contents_apart(one: dict[str, str], other: dict[str, str]) -> None:
    """Equal for equal files in any order, different for anything else, and fit for a name."""
    assert (checksum(one) == checksum(other)) == (one == other)
    assert checksum(dict(reversed(one.items()))) == checksum(one)
    assert len(checksum(one)) == 10
