"""Node pools: sizes from the settings, classes by site, taints that keep classes apart."""

from hypothesis import given
from hypothesis import strategies as st

from infra.config import Settings
from infra.names import SITES
from infra.pools import Pool, pools


@given(st.integers(0, 500), st.integers(0, 500))
def test_ad_nodes_is_the_size_of_the_pool_ads(nodes: int, most: int) -> None:
    """The settings arrive in the pool, and the upper bound is never below the size."""
    ads = pools("public", Settings(ad_nodes=nodes, ad_nodes_max=most))[0]
    assert (ads.name, ads.nodes, ads.nodes_max) == ("ads", nodes, most)
    assert ads.nodes_most >= max(nodes, most, 1)


def test_no_pool_of_the_public_site_is_for_sensitive_pods() -> None:
    """The public site holds nothing sensitive."""
    assert {pool.traffic_class for pool in pools("public", Settings())} == {"public"}


def test_only_ads_run_on_spot_capacity() -> None:
    """What may vanish at two minutes' notice is what the router survives losing."""
    everything = [pool for site in SITES for pool in pools(site, Settings())]
    assert [pool.name for pool in everything if pool.spot] == ["ads"]
    assert not [it for it in pools("public", Settings(ad_spot=False)) if it.spot]


def test_a_sensitive_pool_repels_public_pods() -> None:
    """Its taint is the class, so a public pod does not share a node with orders."""
    core = pools("private", Settings())[0]
    assert core.taint == ("isthmus.dev/class", "sensitive", "NoSchedule")
    assert core.contract().taints == ("isthmus.dev/class=sensitive:NoSchedule",)


def test_labels_are_the_same_on_every_driver() -> None:
    """Pool and class are on each node."""
    pool = Pool(name="ads", traffic_class="public", nodes=3)
    assert pool.labels == {"isthmus.dev/pool": "ads", "isthmus.dev/class": "public"}
    assert pool.taint is None
    assert pool.contract().nodes == 3
