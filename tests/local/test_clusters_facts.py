"""The network plan completes whatever is half made, and does nothing when all of it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cluster import Site
from local.clusters_block import Block
from local.clusters_facts import Fact, Step, missing, steps

BLOCK = Block(base=100, id="1a2b")
EVERY = [
    list(steps(BLOCK, site, peer_exists=peer))
    for site in ("public", "private")
    for peer in (False, True)
]


@given(st.sampled_from(EVERY), st.data())
def test_a_plan_completes_what_any_killed_one_left(every: list[Step], data: st.DataObject) -> None:
    """From any set of facts that hold, exactly the commands of the others follow, in order."""
    holds = data.draw(st.sets(st.sampled_from([it.fact for it in every])))
    commands = missing(iter(every), holds)
    assert commands == tuple(it.command for it in every if it.fact not in holds)
    assert missing(iter(every), {it.fact for it in every}) == ()


@pytest.mark.parametrize("every", EVERY)
def test_every_fact_comes_after_what_it_stands_on(every: list[Step]) -> None:
    """A namespace before its interfaces, an interface before its addresses and routes."""
    facts = [it.fact for it in every]
    assert len(set(facts)) == len(facts)
    for index, fact in enumerate(facts):
        before = set(facts[:index])
        own = fact.namespace in {
            "",
            BLOCK.site("public").namespace,
            BLOCK.site("private").namespace,
        }
        assert own
        if fact.kind == "address" and fact.subject not in {"mgmt", "site"}:
            assert Fact("link", fact.namespace, fact.subject) in before
        if fact.kind == "up" and fact.subject not in {"lo", "mgmt", "site"}:
            assert Fact("link", fact.namespace, fact.subject) in before


def test_the_site_link_is_made_only_between_two_sites() -> None:
    """Alone, a site has no link and no route to the other one's pods."""
    peer_pods = BLOCK.site("private").pods
    alone = [it.fact for it in steps(BLOCK, "public", peer_exists=False)]
    both = [it.fact for it in steps(BLOCK, "public", peer_exists=True)]
    assert not [it for it in alone if it.subject in {"site", peer_pods}]
    routes = {(it.namespace, it.subject) for it in both if it.kind == "route"}
    assert (BLOCK.site("public").namespace, peer_pods) in routes
    assert (BLOCK.site("private").namespace, BLOCK.site("public").pods) in routes


def test_there_is_no_way_round_the_site_link() -> None:
    """No namespace has a default route: what is not on the link, its own links or its pods goes nowhere."""
    for every in EVERY:
        for step in every:
            assert "default" not in step.command
            if step.fact.kind == "route" and step.fact.namespace:
                assert step.fact.value.startswith("10.100.1.")


@pytest.mark.parametrize(("site", "closed"), [("public", False), ("private", True)])
def test_only_the_private_api_server_is_closed_to_the_link(site: Site, *, closed: bool) -> None:
    """The rule drops what comes over the site link to its port, before local addresses are looked up."""
    kinds = [(it.fact.kind, it.fact.subject) for it in steps(BLOCK, site, peer_exists=True)]
    assert (("rule", "blackhole") in kinds) == closed
    if closed:
        # the rule for local addresses moves away only once its other place is filled
        assert kinds.index(("rule", "local")) < kinds.index(("no rule", "local"))
