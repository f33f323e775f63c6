"""The Kubernetes object, both ways."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from autoscale.manifest import API_VERSION, APPROVED, faults, manifest_of, read_manifest
from autoscale.wording import Source
from contracts.promotion import Promotion
from tests.autoscale.plan.sales import NODES, sale, workload
from tests.contracts.examples import EXAMPLES

SOURCE = Source("f.yaml", lambda _: 7)


def read(plain: object) -> tuple[Promotion | None, str]:
    promotion, problems = read_manifest(plain, SOURCE)
    return promotion, "\n".join(map(str, problems))


@pytest.mark.parametrize(
    "promotion",
    [sale(), sale(nodes=NODES, mode="Observe"), *(one for one in EXAMPLES if isinstance(one, Promotion))],
    ids=["small", "nodes", "full"],
)  # fmt: skip
def test_what_is_written_is_read_back(promotion: Promotion) -> None:
    """All but when it was created, which is the API server's to say."""
    found, problems = read(manifest_of(promotion))
    assert problems == ""
    assert found == msgspec.structs.replace(promotion, created=None)


def test_defaults_are_not_written() -> None:
    """The API server fills them in; a file shows what somebody chose."""
    spec: Any = manifest_of(sale(nodes=NODES))["spec"]
    assert set(spec) == {"start", "end", "mode", "workloads", "nodes"}
    assert spec["workloads"][0]["ref"] == {"name": "ads"}
    assert "annotations" not in manifest_of(sale())["metadata"]


def test_an_object_of_the_api_server_is_read() -> None:
    """Metadata has more than we know, a status is not looked at; approval and creation are."""
    plain: Any = manifest_of(sale(mode="Approve"))
    plain["metadata"] |= {
        "uid": "x", "managedFields": [], "annotations": {APPROVED: "true"},
        "creationTimestamp": "2026-11-01T00:00:00Z",
    }  # fmt: skip
    found, problems = read(plain | {"status": {"phase": "Planned"}})
    assert problems == ""
    assert found.approved
    assert found.created == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "Deployment"}, f"expected Promotion of {API_VERSION}"),
        ({"apiVersion": "isthmus.dev/v9"}, "is a Promotion of isthmus.dev/v9"),
        ({"spec": None}, "spec: is null"),
        ({"metadata": {}}, 'metadata: key "name" is missing'),
        ({"more": 1}, "unknown key"),
    ],
)
def test_what_is_no_promotion_is_refused(change: dict[str, object], words: str) -> None:
    """With file and line."""
    promotion, said = read(manifest_of(sale()) | change)
    assert promotion is None
    assert said.startswith("f.yaml:7: ")
    assert words in said


def test_a_time_without_an_offset_is_refused() -> None:
    """In a manifest the zone is for people only, as it is for the API server."""
    plain: Any = manifest_of(sale())
    plain["spec"]["start"] = "2026-11-11T00:00:00"
    assert "spec.start" in read(plain)[1]
    assert "add an offset" in read(plain)[1]
    assert "is text" in read([1, "x"])[1] or "expected a map" in read([1, "x"])[1]


def test_faults_stand_where_the_file_has_them() -> None:
    """The planner speaks of workloads by name, a file by number."""
    bad = sale(workloads=(workload("clicks"), workload(expected_peak=-1.0)), end=sale().spec.start)
    found = {one.path: one for one in faults(bad, SOURCE.under("spec."))}
    assert set(found) == {"spec.end", "spec.workloads[1].expectedPeak"}
    assert found["spec.end"].fix == "set a later end"
