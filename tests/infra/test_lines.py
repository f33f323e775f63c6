"""Who may connect to whom: what the policy needs, and nothing into or out of the wrong site."""

from infra.config import Settings
from infra.lines import Line, Party, lines
from infra.policy_file import read_policy
from infra.stacks import ROOT
from infra.workloads import workloads
from policy.load import load_policy
from policy.model import Policy, Sensitivity

SHIPPED, TEXT = read_policy(Settings(), ROOT)


def drawn(policy: Policy = SHIPPED) -> tuple[Line, ...]:
    return lines(workloads(Settings(), policy), policy)


def written(found: tuple[Line, ...]) -> set[str]:
    def end(party: Party) -> str:
        return f"{party.site}/{party.name or party.kind}"

    return {f"{end(it.source)} > {end(it.target)}" for it in found}


def test_exactly_these() -> None:
    """The whole table under the shipped policy: a new line is a decision, not an accident."""
    assert written(drawn()) == {
        "public/clients > public/router-edge", "private/clients > private/router-core",
        "public/router-edge > public/ads", "public/router-edge > public/clicks",
        "public/router-edge > public/api",
        "private/router-core > public/ads", "private/router-core > public/clicks",
        "private/router-core > private/ads", "private/router-core > private/clicks",
        "private/router-core > private/orders", "private/router-core > private/profiles",
        "private/router-core > private/api", "private/router-core > public/api",
        "public/clicks > public/kafka", "private/clicks > private/kafka",
        "private/orders > private/ledger", "private/profiles > private/ledger",
        "private/bridge > public/kafka", "private/bridge > private/kafka",
        "private/bridge > private/warehouse",
        "public/scraper > public/router-edge", "public/scraper > public/ads",
        "public/scraper > public/clicks", "private/scraper > private/router-core",
        "private/scraper > private/ads", "private/scraper > private/clicks",
        "private/scraper > private/orders", "private/scraper > private/profiles",
    }  # fmt: skip


def test_nothing_public_ever_reaches_into_the_private_site() -> None:
    """The direction of every line that crosses is from private to public."""
    crossing = [it for it in drawn() if it.source.site != it.target.site]
    assert crossing
    assert {it.source.site for it in crossing} == {"private"}


def test_no_line_leads_where_no_route_does() -> None:
    """Without the route to profiles nobody may ask profiles, not even the core router."""
    without = "\n".join(line for line in TEXT.splitlines() if "id: profiles" not in line)
    policy = load_policy(without.encode(), "policy.yaml")
    assert "private/router-core > private/profiles" not in written(drawn(policy))


def test_a_sensitive_route_opens_no_line_to_the_public_site() -> None:
    """Declared sensitive, clicks may only be asked in private, and the edge asks nobody for them."""
    text = TEXT.replace(
        "class: public, service: clicks, inspect: {body: 64KiB}",
        "class: sensitive, service: clicks",
    )
    found = written(drawn(load_policy(text.encode(), "policy.yaml")))
    assert "private/router-core > public/clicks" not in found
    assert "public/router-edge > public/clicks" not in found
    assert "private/router-core > private/clicks" in found


def test_the_bridge_reads_only_sites_a_stream_comes_from() -> None:
    """No stream from public: no line to its broker."""
    without = TEXT[: TEXT.index("streams:")]
    policy = load_policy(without.encode(), "policy.yaml")
    assert "private/bridge > public/kafka" not in written(drawn(policy))


def test_every_line_of_a_router_is_allowed_by_a_class() -> None:
    """For each line from a router to a service there is a route whose class the service's site may hold."""
    for line in drawn():
        if line.source.name.startswith("router") and line.target.kind == "workload":
            assert any(
                route.service == line.target.name
                and SHIPPED.may_hold(line.target.site, route.sensitivity)
                for route in SHIPPED.routes
            )
    assert not SHIPPED.may_hold("public", Sensitivity.SENSITIVE)
