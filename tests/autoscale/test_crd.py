"""The CRD as generated, against the committed file and the contract; what the API server says is in tests/e2e."""

import re
from typing import Any

import pytest
import yaml

from autoscale import crd
from autoscale.crd import COLUMNS, FILE, ROOT_RULES, SPEC_RULES, document, main, text
from contracts.promotion import PromotionSpec, PromotionStatus


def version() -> dict[str, Any]:
    (only,) = document()["spec"]["versions"]
    return only


def test_the_committed_file_is_the_generated_one() -> None:
    """`python -m autoscale.crd` has nothing to write."""
    assert FILE.read_text() == text()
    assert yaml.safe_load(text()) == document()


def test_it_is_written_where_it_is_read(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program makes the file."""
    monkeypatch.setattr(crd, "FILE", tmp_path / "crd.yaml")
    assert main() == 0
    assert (tmp_path / "crd.yaml").read_text() == text()


def test_spec_and_status_have_the_contract_s_fields() -> None:
    """Under their wire names, and nothing else."""
    properties = version()["schema"]["openAPIV3Schema"]["properties"]
    for name, kind in (("spec", PromotionSpec), ("status", PromotionStatus)):
        assert list(properties[name]["properties"]) == list(kind.__struct_encode_fields__)


@pytest.mark.parametrize("rule", [rule for rule, *_ in (*SPEC_RULES, *ROOT_RULES)])
def test_a_rule_names_only_fields_that_exist(rule: str) -> None:
    """A renamed field would leave its rule behind."""
    root = version()["schema"]["openAPIV3Schema"]["properties"]
    for path in re.findall(r"(?:self|oldSelf)\.((?:\w+\.)*\w+)", rule):
        at: dict[str, Any] = root if path.split(".")[0] in root else root["spec"]["properties"]
        for step in path.split("."):
            if step in {"matches", "all", "exists_one", "exists", "name"}:
                break
            at = at[step].get("properties", {})


def test_every_rule_says_what_to_do() -> None:
    """A message of its own, with a place."""
    for _, message, place in SPEC_RULES:
        assert re.search(r": |at most", message)
        assert place.startswith(".")
    assert all(": " in message for _, message in ROOT_RULES)


def test_columns_stand_for_fields() -> None:
    """Each column's path leads to a field of spec, status or metadata."""
    properties = version()["schema"]["openAPIV3Schema"]["properties"]
    for _, _, place, _ in COLUMNS:
        _, parent, field = place.split(".")
        assert parent == "metadata" or field in properties[parent]["properties"]


def test_lists_merge_by_key() -> None:
    """So that two field managers can each own an entry."""
    spec = version()["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert spec["workloads"]["x-kubernetes-list-map-keys"] == ["name"]
    assert spec["nodes"]["x-kubernetes-list-map-keys"] == ["pool"]
