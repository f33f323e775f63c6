"""Loading policy and topology as a whole, and what placement forbids."""

import random
from pathlib import Path

import msgspec
import pytest

from contracts.settings import RouterSettings
from policy.model import HeldBody, UnreadBody
from router.generation import ConfigError, load_generation
from tests.router.harness import POLICY
from tests.router.identifiers import mobile
from tests.router.world import head, verdict

TOPOLOGY = """\
version: isthmus/v1
sites:
  public:
    networks: [127.0.1.0/24]
    services: {ads: {endpoints: [{address: "127.0.1.10:8080", node: ad-1}]}}
"""
PRIVATE = """\
  private:
    networks: [127.0.2.0/24]
    services: {ads: {endpoints: [{address: "127.0.2.10:8080", node: ad-2}]}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> RouterSettings:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "topology.yaml").write_text(TOPOLOGY + PRIVATE)
    return RouterSettings(
        name="r", placement="core", site="private", policy=str(tmp_path / "policy.yaml"),
        topology=str(tmp_path / "topology.yaml"), listen="127.0.2.1:0", probe="127.0.2.1:0",
        admin="a", evidence="e", ready="r",
    )  # fmt: skip


def change(settings: RouterSettings, **kw: object) -> RouterSettings:
    return msgspec.structs.replace(settings, **kw)


def test_a_core_loads_and_judges_with_the_body(settings: RouterSettings) -> None:
    """Head alone, a clean body, a dirty body and an unread one."""
    generation = load_generation(settings, 3)
    assert generation.number == 3
    click = head(
        b"/clicks",
        method="POST",
        headers=(
            (b"Host", b"h"),
            (b"Content-Length", b"9"),
            (b"Content-Type", b"application/json"),
        ),
        has_body=True,
        content_length=9,
    )
    assert generation.judge(click, HeldBody(data=b'{"a": 1 }')).traffic_class == "public"
    assert generation.judge(click, UnreadBody(why="oversize")).traffic_class == "raised"
    number = mobile(random.Random(1)).encode()
    dirty = head(b"/ads?p=" + number)
    assert generation.judge(dirty, None).traffic_class == "raised"
    assert (
        load_generation(change(settings, disable=("scan",)), 1).judge(dirty, None).traffic_class
        == "public"
    )


def test_egresses_are_worked_out_once(settings: RouterSettings) -> None:
    """The same verdict gets the same object."""
    generation = load_generation(settings, 1)
    of = generation.policy.routes[0]
    asked = verdict(of=of)
    assert generation.egress(asked) is generation.egress(asked)
    assert [o.site for o in generation.egress(asked).outlets] == ["public", "private"]
    assert [o.site for o in generation.egress(verdict("raised", of=of)).outlets] == ["private"]


def test_an_edge_refuses_to_know_a_private_site(settings: RouterSettings, tmp_path: Path) -> None:
    """Not even the address of one may be in its topology."""
    edge = change(settings, placement="edge", site="public")
    with pytest.raises(ConfigError, match='an edge router must not know site "private"'):
        load_generation(edge, 1)
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    assert load_generation(edge, 1).topology.site("private") is None


@pytest.mark.parametrize(
    ("placement", "site"), [("edge", "private"), ("core", "public"), ("core", "moon")]
)
def test_a_router_stands_where_its_placement_says(
    settings: RouterSettings, placement: str, site: str
) -> None:
    """Core in a site that holds sensitive data, edge in one that does not, neither in an unknown one."""
    with pytest.raises(ConfigError, match=r"expected .*; fix: "):
        load_generation(change(settings, placement=placement, site=site), 1)


@pytest.mark.parametrize("file", ["policy.yaml", "topology.yaml"])
@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"version: isthmus/v1\nnonsense: 1\n"])
def test_a_file_that_cannot_be_used_is_named(
    settings: RouterSettings, tmp_path: Path, file: str, content: bytes
) -> None:
    """Empty, binary, unknown key: the message starts with the file."""
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ConfigError, match=file):
        load_generation(settings, 1)


def test_a_missing_file_is_named(settings: RouterSettings) -> None:
    """What, expected, fix."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_generation(change(settings, policy="/nowhere/policy.yaml"), 1)
