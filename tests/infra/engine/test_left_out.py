"""On which sites a fabric is installed while not every cluster has been up."""

import itertools

import msgspec
import pytest

from infra.engine.left_out import sites_to_install, with_sites
from infra.names import SITES, Site


def provider(site: Site) -> dict[str, object]:
    urn = f"urn:pulumi:dev-fabric::isthmus::pulumi:providers:kubernetes::{site}"
    return {"type": "pulumi:providers:kubernetes", "urn": urn, "inputs": {}}


def test_every_combination_of_there_and_installed() -> None:
    """A site is left out exactly when its cluster was never up and the fabric holds nothing there."""
    sides = [side for n in range(3) for side in itertools.combinations(SITES, n)]
    for there, installed in itertools.product(sides, sides):
        sites, note = sites_to_install("", there=there, held=[provider(it) for it in installed])
        assert set(sites) == {*there, *installed}
        assert [it in note for it in SITES] == [it not in sites for it in SITES]


def test_what_was_configured_stays_out_without_a_word() -> None:
    """Only what was asked for is missed."""
    assert sites_to_install('["private"]', there=["private"], held=[]) == (("private",), "")
    assert sites_to_install('["private"]', there=["public"], held=[])[0] == ()


@pytest.mark.parametrize(
    "text", ["", "encryptionsalt: v1:x\n", "config:\n", "encryptionsalt: v1:x\nconfig:\n  isthmus:sites: [public]\n  isthmus:a:\n    secure: s\n"],
)  # fmt: skip
def test_a_stacks_file_keeps_everything_but_its_sites(text: str) -> None:
    """Salt and secrets above all."""
    before = msgspec.yaml.decode(text) or {}
    after = msgspec.yaml.decode(with_sites(text, ["private"]))
    assert after["config"].pop("isthmus:sites") == ["private"]
    config = {key: it for key, it in (before.get("config") or {}).items() if key != "isthmus:sites"}
    assert after == {**before, "config": config}
