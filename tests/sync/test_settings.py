"""From files to a plan: what is taken, and what is refused with file and expectation."""

import re
import subprocess
import sys

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
            "topology": str(tmp_path / "topology.yaml"), "control": "c", "ready": "r",
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
        (
            {"policy": "/nowhere/policy.yaml"},
            r"/nowhere/policy.yaml: cannot be read \(No such file",
        ),
        ({"warehouse_topics": ("public.clicks",)}, "expected env:NAME or file:PATH"),
        (
            {"topology": "/nowhere/topology.yaml"},
            r"/nowhere/topology.yaml: cannot be read \(No such file",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(write, monkeypatch, changes, expected) -> None:
    """The message names the file, what was expected and how to mend it."""
    monkeypatch.delenv("ISTHMUS_TEST_WAREHOUSE", raising=False)
    with pytest.raises(SettingsError, match=expected) as refused:
        load_plan(write(**changes))
    assert re.search("; expected .*; fix: ", str(refused.value))


def test_a_site_without_a_broker_is_refused(write) -> None:
    """A bridge cannot do without either broker."""
    bare = TOPOLOGY.replace('kafka: {bootstrap: ["127.0.2.5:9092"]}', "reserve: {}")
    with pytest.raises(
        SettingsError, match=r"sites\.private\.kafka\.bootstrap: missing; expected .*; fix: "
    ):
        load_plan(write(topology_text=bare))


def test_a_bad_policy_keeps_its_own_message(write) -> None:
    """The policy's loader says file and line; nothing is hidden."""
    with pytest.raises(PolicyError, match=r"policy\.yaml:\d+"):
        load_plan(write(policy_text=POLICY.replace("carry: all", "carry: some")))


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", r"bridge\.json:1: not JSON"),
        (b'{"name": "b",\n"link": nonsense}', r"bridge\.json:2: not JSON"),
        (b"\xff", r"bridge\.json:1: not JSON"),
        (b"[]", r"bridge\.json: \$: "),
        (b"{}", r"bridge\.json: \$: .*`name`"),
        (b'{"unknown": 1}', r"bridge\.json: \$: .*`unknown`"),
        (b'{"state": "s"}', r"bridge\.json: \$: .*`state`"),
        (b'{"name": 1}', r"bridge\.json: \$\.name: "),
    ],
)
def test_a_bad_settings_file_is_refused(tmp_path, content, place) -> None:
    """Empty, wrong, incomplete, unknown and binary content: file, place, expectation, fix."""
    path = tmp_path / "bridge.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=place + ".*; expected .*; fix: "):
        load_settings(path)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"schema": 2}, "schema: 2"),
        ({"slices_max": 0}, "slices_max: 0"),
        ({"batch_records_max": -1}, "batch_records_max: -1"),
        ({"transaction_timeout_ms": 0}, "transaction_timeout_ms: 0"),
        ({"control": ""}, "control: empty"),
    ],
)
def test_a_value_out_of_range_is_refused(write, changes, place) -> None:
    """A key that reads but cannot be used is named with its range."""
    with pytest.raises(SettingsError, match=rf"bridge\.json: \$\.{place}.*; expected .*; fix: "):
        load_settings(write(**changes))


@pytest.mark.parametrize("name", ["absent.json", "."])
def test_a_settings_file_that_cannot_be_read_is_refused(tmp_path, name) -> None:
    """A missing file and a directory are named with a fix."""
    path = tmp_path / name
    with pytest.raises(SettingsError, match=r"cannot be read .*; expected .*; fix: ") as refused:
        load_settings(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_a_socket_that_cannot_be_made_names_the_settings(write, tmp_path) -> None:
    """The process says which file to correct, exit 2."""
    path = write(control=str(tmp_path / "none" / "c.sock"))
    told = subprocess.run(
        [sys.executable, "-m", "sync", "--settings", path],
        check=False, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert told.returncode == 2
    assert re.search(r"bridge\.json: .*; expected writable paths.*; fix: .*c\.sock", told.stderr)
