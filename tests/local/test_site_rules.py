"""Faults of the site link as text: what each drops, that each ends by itself, and how it is read back."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.site_rules import (
    LINK,
    TABLE,
    LinkFault,
    fault_ruleset,
    heal_ruleset,
    read_fault,
    tracking_ruleset,
)

HOOKS = {
    "cut": {"prerouting"}, "cut-new": {"forward", "input"}, "cap": {"prerouting"}, "lose": {"prerouting"},
}  # fmt: skip


@pytest.mark.parametrize("kind", HOOKS)
def test_a_fault_drops_only_what_it_says(kind) -> None:
    """Each kind has its hooks and only `cut-new` asks conntrack; everything else passes; the kernel ends it."""
    text = fault_ruleset(LinkFault(kind=kind, size=7, left_s=30))
    chains = {line.split()[1] for line in text.splitlines() if line.startswith("  chain")}
    assert chains == HOOKS[kind]
    assert ("ct state new" in text) == (kind == "cut-new")
    assert text.count("drop") == text.count("policy accept") == len(HOOKS[kind])
    assert f'elements = {{ "{LINK}" timeout 30s }}' in text
    assert ("7" in text.replace("_7", "")) == (kind in {"cap", "lose"})


def test_a_fault_replaces_the_one_before_in_one_transaction() -> None:
    """Added, deleted and added: whether there was one or not; healing is the first half."""
    text = fault_ruleset(LinkFault(kind="cut"))
    assert text.startswith(heal_ruleset())
    assert heal_ruleset() == f"add table {TABLE}\ndelete table {TABLE}\n"
    assert TABLE not in tracking_ruleset()
    assert "drop" not in tracking_ruleset()


def listed(name: str, *elements: object) -> bytes:
    """As `nft -j list table` tells it."""
    items = [{"metainfo": {}}, {"table": {"name": "x"}}, {"set": {"name": name, "elem": [*elements]}}]  # fmt: skip
    return json.dumps({"nftables": items}).encode()


@given(st.sampled_from(list(HOOKS)), st.integers(1, 1000), st.integers(0, 900))
def test_a_fault_is_read_back(kind, size: int, expires: int) -> None:
    """Kind, size and what is left of its time, rounded up."""
    name = fault_ruleset(LinkFault(kind=kind, size=size)).partition("set ")[2].split()[0]
    told = read_fault(listed(name, {"elem": {"val": LINK, "timeout": 900, "expires": expires}}))
    assert told == LinkFault(kind=kind, size=size, left_s=max(1, expires))


@pytest.mark.parametrize("listing", [b'{"nftables": []}', listed("cut_1"), listed("others", LINK)])
def test_none_is_read_where_there_is_none(listing: bytes) -> None:
    """No table's set, one whose time is over, one that is not ours."""
    assert read_fault(listing) is None


@pytest.mark.parametrize(("size", "left_s"), [(0, 1), (1, 0), (-1, 9)])
def test_a_fault_without_size_or_time_is_none(size: int, left_s: int) -> None:
    """Refused where it is read."""
    text = json.dumps({"kind": "cap", "size": size, "left_s": left_s})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=LinkFault)
