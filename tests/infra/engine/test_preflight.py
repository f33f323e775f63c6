"""What can be known to be wrong is said before anything is changed: all of it, each with its fix."""

import datetime as dt
from pathlib import Path

import pytest

from contracts.cluster import ClusterSpec
from infra.engine.preflight import Given, Preflight, Problem
from infra.orchestrate import Part
from tests.infra.certs import kubeconfig_until
from tests.infra.stage import existing_values, fabric_values

ROOT = Path(__file__).parents[3]
NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
PUBLIC = existing_values(networks='["10.1.0.0/16"]')
PRIVATE = existing_values(networks='["10.2.0.0/16"]')
SECRET = ("kubeconfig", "ledgerDsn", "warehouseDsn", "databasePassword", "sshKey", "k3sToken")


def nothing(_spec: ClusterSpec) -> tuple[str, ...]:
    return ()


def problems(given: dict[Part, dict[str, str]], root: Path = ROOT, lacks=nothing) -> tuple[Problem, ...]:  # fmt: skip
    found = Preflight("dev", root, now=NOW, lacks=lacks)
    return found.check({part: Given(values=it, secret=SECRET) for part, it in given.items()})


def of_clouds(**changed: dict[str, str]) -> dict[Part, dict[str, str]]:
    given: dict[str, dict[str, str]] = {
        "public": PUBLIC, "private": PRIVATE, "fabric": fabric_values(),
    }  # fmt: skip
    return {part: {**it, **changed.get(part, {})} for part, it in given.items()}  # type: ignore[misc]


def test_what_can_be_right_passes() -> None:
    """Clusters of this machine with nothing configured at all, and clusters that are there."""
    assert problems({"public": {}, "private": {}, "fabric": {}}) == ()
    assert problems(of_clouds()) == ()


EXPIRED = kubeconfig_until(NOW - dt.timedelta(days=1))
MISTAKES: list[tuple[dict[str, dict[str, str]], str]] = [
    ({"public": {"adNodes": "many"}}, "dev-public: isthmus:adNodes: Expected `int`, got `str`"),
    ({"public": {"adNodess": "3"}}, "dev-public: isthmus:adNodess: no such key"),
    ({"public": {"driver": "gke"}}, "dev-public: isthmus:driver: is none of the values it may have"),
    ({"private": {"driver": "eks"}}, "dev-private: isthmus:driver: eks makes no private cluster"),
    ({"private": {"clusterIdentifier": ""}}, "isthmus:clusterIdentifier: missing"),
    ({"private": {"kubeconfig": ""}}, "isthmus:kubeconfigFile: missing"),
    ({"private": {"kubeconfig": "", "kubeconfigFile": "/none"}}, "/none cannot be read"),
    ({"private": {"kubeconfig": EXPIRED}}, "client certificate ended 2026-11-24 00:00 UTC"),
    ({"fabric": {"ledgerDsn": ""}}, "dev-fabric: isthmus:ledgerDsn: missing, and orders on private"),
    ({"fabric": {"kafkaPublic": "[]"}}, "isthmus:kafkaPublic: missing, and clicks on public"),
    ({"fabric": {"ledgerDsn": "host=h password=hunter2"}}, "isthmus:ledgerDsn: carries a password"),
    ({"fabric": {"policy": "none.yaml"}}, "isthmus:policy: "),
    ({"private": {"networks": '["10.1.128.0/17"]'}}, "dev-fabric: topology of core"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "said"), MISTAKES)
def test_a_mistake_is_named_with_its_stack_and_its_fix(
    changed: dict[str, dict[str, str]], said: str
) -> None:
    """It is one of configuration; and no value that may be a secret is shown."""
    found = problems(of_clouds(**changed))
    assert [it for it in found if said in it.text and it.configured], found
    for it in found:
        assert "fix:" in it.text
        assert "hunter2" not in it.text


def test_all_mistakes_are_told_at_once() -> None:
    """One run, not as many as there are mistakes."""
    found = problems(of_clouds(public={"adNodes": "x"}, private={"kubeconfig": EXPIRED}, fabric={"ledgerDsn": ""}))  # fmt: skip
    assert [it.text.partition(":")[0] for it in found] == ["dev-public", "dev-private", "dev-fabric"]  # fmt: skip


def test_a_credential_in_plain_is_refused() -> None:
    """Before it is used."""
    found = Preflight("dev", ROOT, now=NOW, lacks=nothing).check({"public": Given(values=PUBLIC)})
    assert "isthmus:kubeconfig: stands in the stack's file in plain" in found[0].text


POLICIES = [
    ("public: {holds: [public]}\n  private: {holds: [public, sensitive]}", "public: {holds: [public, sensitive]}\n  private: {holds: [public]}", "site private may not hold sensitive"),
    ("service: orders", "service: payments", "service payments runs on no site"),
    ("version: isthmus/v1", "version: isthmus/v9", "version"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), POLICIES)
def test_a_policy_that_the_sites_cannot_follow_is_refused(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    """By the policy's own words, with its file."""
    text = (ROOT / "local/policy.yaml").read_text().partition("streams:")[0]
    assert old in text
    (tmp_path / "p.yaml").write_text(text.replace(old, new))
    policy = {"policy": str(tmp_path / "p.yaml")}
    found = problems(of_clouds(public=policy, private=policy, fabric=policy))
    assert any(said in it.text and "p.yaml" in it.text for it in found), found


def test_stacks_under_different_policies_are_refused(tmp_path: Path) -> None:
    """A cluster's admission and the fabric's routers would obey two."""
    text = (ROOT / "local/policy.yaml").read_text()
    (tmp_path / "p.yaml").write_text(text.replace("cookies: [ab]", "cookies: []"))
    found = problems(of_clouds(private={"policy": str(tmp_path / "p.yaml")}))
    assert any("the stacks obey different policies" in it.text for it in found), found


def test_what_the_machine_lacks_is_told_once_and_is_no_mistake() -> None:
    """Asked only for clusters that are made here."""
    asked: list[str] = []

    def lacks(spec: ClusterSpec) -> tuple[str, ...]:
        asked.append(spec.site)
        return ("no root; expected it. fix: sudo",)

    found = problems({"public": {}, "private": {}, "fabric": {}}, lacks=lacks)
    assert found == (Problem(text="no root; expected it. fix: sudo", configured=False),)
    assert asked == ["public", "private"]
    assert problems(of_clouds(), lacks=lacks) == ()
    assert asked == ["public", "private"]
