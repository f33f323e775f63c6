"""From files to a plan: what is taken, and what is refused with file and expectation."""

import msgspec
import pytest

from contracts.settings import BridgeSettings
from policy.problems import PolicyError
from sync.settings import SettingsError, load_plan, load_settings

POLICY = """
version: isthmus/v1
sites:
  public: {holds: [public]}
  private: {holds: [public, sensitive]}
routes:
  - {id: ads, match: {paths: ["/ads"]}, class: public, service: ads}
streams:
  - {topic: clicks, from: public, to: private, carry: all}
"""
TOPOLOGY = """
version: isthmus/v1
sites:
  public: {networks: [127.0.1.0/24], services: {}, kafka: {bootstrap: ["127.0.1.5:9092"]}}
  private:
    networks: [127.0.2.0/24]
    services: {}
    kafka: {bootstrap: ["127.0.2.5:9092"]}
    warehouse: {dsn: "env:ISTHMUS_TEST_WAREHOUSE"}
"""


@pytest.fixture
def write(tmp_path):
    def write(*, policy_text=POLICY, topology_text=TOPOLOGY, **changes):
        (tmp_path / "policy.yaml").write_text(policy_text)
        (tmp_path / "topology.yaml").write_text(topology_text)
        fields = {
            "name": "b", "link": "l", "site": "private", "policy": str(tmp_path / "policy.yaml"),
            "topology": str(tmp_path / "topology.yaml"), "control": "c", "ready": "r", "state": "s",
        }  # fmt: skip
        path = tmp_path / "bridge.json"
        path.write_bytes(msgspec.json.encode(BridgeSettings(**(fields | changes))))
        return path

    return write


def test_a_plan_has_streams_brokers_and_warehouse(write, monkeypatch) -> None:
    """Streams to the own site, both brokers, and the DSN behind its reference."""
    monkeypatch.setenv("ISTHMUS_TEST_WAREHOUSE", "dbname=w")
    plan = load_plan(write(warehouse_topics=("public.clicks",)))
    assert [(s.topic, s.target_topic) for s in plan.streams] == [("clicks", "public.clicks")]
    assert (plan.source.bootstrap, plan.own.bootstrap) == ("127.0.1.5:9092", "127.0.2.5:9092")
    assert plan.warehouse_dsn == "dbname=w"
    assert len(plan.policy_digest) == 64


def test_no_warehouse_needs_no_dsn(write) -> None:
    """The DSN is only asked for when something is loaded."""
    assert load_plan(write()).warehouse_dsn == ""


def test_the_other_end_carries_nothing(write) -> None:
    """A bridge in the source site takes no stream whose target is elsewhere."""
    plan = load_plan(write(site="public"))
    assert (plan.streams, plan.source) == ((), None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"site": "moon"}, "no site moon"),
        ({"policy": "/nowhere/policy.yaml"}, "/nowhere/policy.yaml: No such file"),
        ({"warehouse_topics": ("public.clicks",)}, "expected env:NAME or file:PATH"),
        ({"topology": "/nowhere/topology.yaml"}, "/nowhere/topology.yaml: No such file"),
    ],
)
def test_what_cannot_be_used_is_refused(write, monkeypatch, changes, expected) -> None:
    """The message names the file and what was expected."""
    monkeypatch.delenv("ISTHMUS_TEST_WAREHOUSE", raising=False)
    with pytest.raises(SettingsError, match=expected):
        load_plan(write(**changes))


def test_a_site_without_a_broker_is_refused(write) -> None:
    """A bridge cannot do without either broker."""
    bare = TOPOLOGY.replace('kafka: {bootstrap: ["127.0.2.5:9092"]}', "reserve: {}")
    with pytest.raises(SettingsError, match=r"site private has no `kafka\.bootstrap`"):
        load_plan(write(topology_text=bare))


def test_a_bad_policy_keeps_its_own_message(write) -> None:
    """The policy's loader says file and line; nothing is hidden."""
    with pytest.raises(PolicyError, match=r"policy\.yaml:\d+"):
        load_plan(write(policy_text=POLICY.replace("carry: all", "carry: some")))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"unknown": 1}', b"\xff"])
def test_a_bad_settings_file_is_refused(tmp_path, content) -> None:
    """Empty, wrong, incomplete, unknown and binary content all name the file."""
    path = tmp_path / "bridge.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"bridge\.json"):
        load_settings(path)
    with pytest.raises(SettingsError, match=r"absent\.json"):
        load_settings(tmp_path / "absent.json")
