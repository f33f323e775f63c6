"""The Promotion CRD in a real API server: what is refused and in which words, what is filled in, what is shown."""

import json
import time
from collections.abc import Iterator

import msgspec
import pytest

from autoscale.crd import FILE
from contracts.promotion import PromotionSpec
from local.clusters_ground import GroundError, require
from tests.e2e.clusters import ADS, ROOT, Clusters, OneCluster, spec_of

pytestmark = pytest.mark.clusters
SPEC: dict[str, object] = {
    "start": "2030-11-11T00:00:00+08:00", "end": "2030-11-12T00:00:00+08:00",
    "workloads": [{"name": "ads", "ref": {"name": "ad-service"}, "expectedPeak": 12000}],
}  # fmt: skip


class Api(OneCluster):
    """A cluster that knows the CRD."""

    def get(self, name: str) -> dict[str, object]:
        return json.loads(self.kubectl("get", "promotion", name, "-o", "json").stdout)

    def apply(self, name: str = "it", **changes: object) -> str:
        """Empty when it was taken, else what was said."""
        done = self.kubectl("apply", "-f", "-", given=promotion(name, **changes))
        return "" if done.returncode == 0 else done.stderr


def promotion(name: str = "it", **changes: object) -> dict[str, object]:
    return {
        "apiVersion": "isthmus.dev/v1alpha1", "kind": "Promotion",
        "metadata": {"name": name, "namespace": "default"}, "spec": SPEC | changes,
    }  # fmt: skip


def ads(**changes: object) -> list[object]:
    return [{"name": "ads", "ref": {"name": "ad-service"}, "expectedPeak": 12000} | changes]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Gone after the tests, with nothing left."""
    spec = spec_of("crd", "public", ADS)
    try:
        require(spec, ROOT)
    except GroundError as error:
        pytest.skip(str(error))
    clusters = Clusters(tmp_path_factory.mktemp("crd"))
    try:
        found = Api(clusters, clusters.run("apply", spec))
        done = found.kubectl("apply", "--server-side", "-f", str(FILE))
        assert done.returncode == 0, done.stderr
        deadline = time.monotonic() + 60
        while found.kubectl("get", "promotions").returncode:
            assert time.monotonic() < deadline, "the CRD is not served"
            time.sleep(0.2)
        yield found
    finally:
        clusters.run("delete", spec)
        assert clusters.left("crd", "public") == []


def test_the_api_server_finds_no_fault_with_the_schema(api: Api) -> None:
    """Structural, its rules within the cost limits, its names accepted."""
    found = json.loads(api.kubectl("get", "crd", "promotions.isthmus.dev", "-o", "json").stdout)
    conditions = {
        one["type"]: (one["status"], one["message"]) for one in found["status"]["conditions"]
    }
    assert conditions["Established"][0] == "True"
    assert conditions["NamesAccepted"][0] == "True"
    assert "NonStructuralSchema" not in conditions, conditions


def test_a_small_promotion_is_taken_and_filled_in(api: Api) -> None:
    """What the API server fills in is what the contract fills in."""
    assert api.apply("small") == ""
    stored = api.get("small")["spec"]
    ours = msgspec.convert(SPEC, PromotionSpec)
    assert msgspec.convert(stored, PromotionSpec) == ours
    for key, value in msgspec.to_builtins(ours).items():
        if value and key not in {"start", "end", "workloads"}:
            assert stored[key] == value, key


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end": "2030-11-10T00:00:00+08:00"}, "end must be after start"),
        ({"end": SPEC["start"]}, "end must be after start"),
        ({"end": "2031-11-12T00:00:00+08:00"}, "31 days"),
        ({"start": "tomorrow"}, "date-time"),
        ({"start": "2030-11-11T00:00:00"}, "date-time"),
        ({"start": None}, "spec.start"),
        ({"lead": "169h"}, "lead is 168h at most"),
        ({"lead": "soon"}, "must be auto, or a duration such as 30m or 24h"),
        ({"leadMax": "500h"}, "leadMax is 168h at most"),
        ({"mode": "Automatic"}, 'supported values: "Approve", "Auto", "Observe"'),
        ({"conflictPolicy": "Fight"}, '"Force", "Yield"'),
        ({"confidence": 1}, "less than 1"),
        ({"release": {"every": "0s"}}, "release.every must be above 0s"),
        ({"release": {"maxHold": "200h"}}, "set a later end instead"),
        ({"release": {"step": "80%"}}, "must be from 1% to 50%"),
        ({"release": {"for": "1 day"}}, "must be a duration such as 90s"),
        ({"release": {"every": "often"}}, "must be a duration such as 90s"),
        ({"release": {"below": 0}}, "greater than 0"),
        ({"budget": {"nodeHours": -1}}, "greater than or equal to 0"),
        ({"budget": {}}, "nodeHours"),
        ({"workloads": []}, "spec.workloads"),
        ({"workloads": ads(expectedPeak=-5)}, "greater than 0"),
        ({"workloads": ads(expectedPeak=1e12)}, "less than or equal to 1000000000"),
        ({"workloads": ads(capacityPerReplica=0)}, "greater than 0"),
        ({"workloads": ads(replicasPerNode=0)}, "greater than or equal to 1"),
        ({"workloads": ads(ref={"kind": "DaemonSet", "name": "x"})}, '"Deployment", "HorizontalPodAutoscaler"'),
        ({"workloads": ads(latency={"wait": "5s"})}, "must be milliseconds such as 50ms"),
        ({"workloads": ads() + ads()}, "Duplicate value"),
        ({"workloads": ads() + ads(name="other")}, "two entries of workloads name the same ref"),
        ({"nodes": [{"pool": "ads", "add": 100000}]}, "less than or equal to 1000"),
        ({"nodes": [{"pool": "ads", "add": -1}]}, "greater than or equal to 0"),
        ({"nodes": [{"pool": "ads", "add": 1}] * 2}, "Duplicate value"),
        ({"nodes": [{"pool": "ads"}]}, "set add, or pool and replicasPerNode"),
        ({"timeZone": "Mars Olympus"}, "must be an IANA time zone such as Asia/Shanghai"),
        ({"workloads": ads(pool="Big Nodes")}, "must be a name of lower-case letters"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_readable_words(
    api: Api, changes: dict[str, object], words: str
) -> None:
    """Before anything is stored; the message names what is wrong."""
    said = api.apply("bad", **changes)
    assert words in said
    assert "rule evaluation error" not in said
    assert "NotFound" in api.kubectl("get", "promotion", "bad").stderr


def test_an_unknown_key_is_refused_not_dropped(api: Api) -> None:
    """Kubectl validates strictly: a typing error in a key is an error."""
    assert "expectedPeek" in api.apply("typo", workloads=ads(expectedPeek=5))


def test_a_hundred_workloads_and_a_name_too_long(api: Api) -> None:
    """The largest object is within the rules' cost; a name is a label's value."""
    many = [
        {"name": f"w{n}", "ref": {"name": f"w{n}"}, "expectedPeak": 1, "pool": "ads"} for n in range(100)
    ]  # fmt: skip
    assert api.apply("large", workloads=many, nodes=[{"pool": "ads"}]) == ""
    assert "at most 100" in api.apply("larger", workloads=[*many, *ads()])
    assert "63 characters at most" in api.apply("x" * 64)


def status(api: Api, name: str, **fields: object) -> None:
    done = api.kubectl(
        "patch", "promotion", name, "--subresource=status", "--type=merge", "-p",
        json.dumps({"status": fields}),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_once_it_has_begun_its_start_stands(api: Api) -> None:
    """Until then it may move; while it is on, the end may only move back."""
    assert api.apply("moving") == ""
    assert api.apply("moving", start="2030-11-10T00:00:00+08:00") == ""
    status(api, "moving", phase="Active")
    said = api.apply("moving", start="2030-11-11T00:00:00+08:00")
    assert "start cannot change once the promotion has begun" in said
    begun = {"start": "2030-11-10T00:00:00+08:00"}
    said = api.apply("moving", end="2030-11-11T00:00:00+08:00", **begun)
    assert "end cannot move forward" in said
    assert api.apply("moving", end="2030-11-13T00:00:00+08:00", **begun) == ""


def test_the_status_is_written_beside_the_spec_only(api: Api) -> None:
    """Through its subresource; a spec change raises the generation, a status change does not."""
    assert api.apply("apart", status={"phase": "Active"}) != ""
    assert api.apply("apart") == ""
    before = api.get("apart")["metadata"]["generation"]
    status(api, "apart", phase="Cooling", shortfall=6, replicas="13/14", nodes="7/13")
    assert api.get("apart")["metadata"]["generation"] == before
    assert "phase" in api.kubectl(
        "patch", "promotion", "apart", "--subresource=status", "--type=merge", "-p",
        '{"status":{"phase":"Done"}}',
    ).stderr  # fmt: skip


def test_kubectl_get_reads_well(api: Api) -> None:
    """Mode, phase, start and figures, under the short name too."""
    assert api.apply("shown", mode="Auto") == ""
    status(api, "shown", phase="Provisioning", shortfall=6, replicas="4/14", nodes="7/13")
    head, row = api.kubectl("get", "promo", "shown").stdout.splitlines()
    assert head.split() == ["NAME", "MODE", "PHASE", "START", "REPLICAS", "NODES", "SHORT", "AGE"]
    assert row.split()[:7] == [
        "shown", "Auto", "Provisioning", "2030-11-11T00:00:00+08:00", "4/14", "7/13", "6",
    ]  # fmt: skip
    assert "expectedPeak" in api.kubectl("explain", "promotion.spec.workloads").stdout
