"""Addresses of an environment: disjoint, inside one /14, drawn where nothing else is."""

import ipaddress
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.clusters_block import (
    BASES,
    SUBNETS_PER_SITE,
    Block,
    ExhaustedError,
    draw_base,
    draw_slots,
    environment_id,
    node_subnet,
    other,
)

Network = ipaddress.IPv4Network
BLOCKS = [Block(base=base, id="1a2b") for base in BASES]
WHOLE = {base: Network(f"10.{base}.0.0/14") for base in BASES}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda it: str(it.base))
def test_everything_of_an_environment_lies_in_its_block_and_apart(block: Block) -> None:
    """Pods, services and links of both sites are inside the /14 and overlap nowhere."""
    networks = [Network(f"10.{block.base}.0.0/24"), Network(f"10.{block.base}.1.0/30")]
    for site in ("public", "private"):
        net = block.site(site)
        networks += [Network(net.pods), Network(net.services)]
        assert ipaddress.ip_address(net.gateway) in Network(net.pods)
        assert ipaddress.ip_address(net.link) in Network(f"10.{block.base}.1.0/30")
        link = ipaddress.ip_network(f"{net.outside}/30", strict=False)
        assert ipaddress.ip_address(net.management) in list(link.hosts())
    assert all(it.subnet_of(WHOLE[block.base]) for it in networks)
    assert not any(a.overlaps(b) for i, a in enumerate(networks) for b in networks[:i])


def test_names_fit_the_kernel_and_tell_the_sites_apart() -> None:
    """Interface names have at most 15 letters; the sites share none."""
    public, private = BLOCKS[0].site("public"), BLOCKS[0].site("private")
    assert (public.namespace, private.namespace) == ("is1a2b-pub", "is1a2b-prv")
    assert (public.root_interface, private.root_interface) == ("ism1a2bp", "ism1a2bv")
    assert len(public.root_interface) <= 15
    assert {public.outside, public.management} & {private.outside, private.management} == set()
    assert other("public") == "private"
    assert other("private") == "public"


@given(st.sets(st.sampled_from(list(BASES))))
def test_the_drawn_block_touches_nothing_that_is_there(used: set[int]) -> None:
    """Any network inside or around a block makes it taken; all taken is an error that names them."""
    networks = [Network(f"10.{base + 3}.128.0/17") for base in used]
    if len(used) == len(BASES):
        with pytest.raises(ExhaustedError, match=r"10\.96\.0\.0/14.*fix:"):
            draw_base(networks)
        return
    base = draw_base(networks)
    assert not any(WHOLE[base].overlaps(it) for it in networks)
    assert base == min(set(BASES) - used)


def test_a_route_to_all_of_ten_leaves_no_block() -> None:
    """A machine in a 10.0.0.0/8 network is told so instead of being cut off from it."""
    with pytest.raises(ExhaustedError, match=r"10\.0\.0\.0/8"):
        draw_base([Network("10.0.0.0/8")])


@given(
    st.sets(st.integers(1, SUBNETS_PER_SITE), max_size=SUBNETS_PER_SITE),
    st.integers(0, SUBNETS_PER_SITE),
    st.integers(0, SUBNETS_PER_SITE),
)
def test_node_networks_are_never_given_twice(used: set[int], count: int, after: int) -> None:
    """Drawn slots are free, different, in range; the next ones after the last come first."""
    if count > SUBNETS_PER_SITE - len(used):
        with pytest.raises(ExhaustedError):
            draw_slots(used, count, after=after)
        return
    drawn = draw_slots(used, count, after=after)
    assert len(set(drawn)) == count
    assert not set(drawn) & used
    assert all(1 <= it <= SUBNETS_PER_SITE for it in drawn)
    ahead = [it for it in drawn if it > after % SUBNETS_PER_SITE]
    assert list(drawn[: len(ahead)]) == sorted(ahead)


def test_an_address_that_was_just_given_back_comes_last() -> None:
    """Freed slots are not reused while others were free longer."""
    assert draw_slots({1, 2}, 2, after=4) == (5, 6)
    assert draw_slots(set(), 2, after=254) == (1, 2)


def test_a_node_network_is_a_24_of_the_site() -> None:
    """Slot 1 is the second /24: the first holds the bridge."""
    pods = BLOCKS[0].site("private").pods
    assert node_subnet(pods, 1) == "10.98.1.0/24"
    assert all(
        Network(node_subnet(pods, it)).subnet_of(Network(pods)) for it in (1, SUBNETS_PER_SITE)
    )


def test_environments_have_ids_of_their_own() -> None:
    """Checkout and environment decide, the same way each time."""
    ids = {environment_id(checkout, name) for checkout in ("/a", "/b") for name in ("x", "y")}
    assert len(ids) == 4
    assert all(len(it) == 4 and set(it) <= set(string.hexdigits.lower()) for it in ids)
    assert environment_id("/a", "x") == environment_id("/a", "x")
