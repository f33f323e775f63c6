"""What people are told of what the engine said."""

import pytest
from pulumi.automation import EngineEvent
from pulumi.automation.events import (
    DiagnosticEvent,
    OpType,
    PolicyEvent,
    ResourcePreEvent,
    StepEventMetadata,
)

from infra.engine.words import SKIPPED, Heard, killed_by, reason_of

PARENT = "urn:pulumi:dev-fabric::isthmus::isthmus:infra:Fabric$kubernetes:apps/v1:Deployment::"
STACK = "urn:pulumi:dev-fabric::isthmus::pulumi:pulumi:Stack::isthmus-dev-fabric"


def heard(*events: EngineEvent) -> tuple[Heard, list[str]]:
    said: list[str] = []
    found = Heard("dev-fabric", said.append)
    for event in events:
        found(event)
    return found, said


def diagnosed(severity: str, message: str, urn: str = STACK) -> EngineEvent:
    said = DiagnosticEvent(message=message, color="", severity=severity, urn=urn)
    return EngineEvent(sequence=1, timestamp=1, diagnostic_event=said)


def began(op: OpType) -> EngineEvent:
    metadata = StepEventMetadata(
        op=op, urn=f"{PARENT}public-ads", type="kubernetes:apps/v1:Deployment", provider=""
    )
    return EngineEvent(sequence=1, timestamp=1, resource_pre_event=ResourcePreEvent(metadata))


def test_progress_is_what_changes() -> None:
    """Operation, kind and name; nothing of what stays."""
    found, said = heard(began(OpType.CREATE), began(OpType.SAME))
    assert said == ["dev-fabric: create Deployment public-ads"]
    assert (found.errors, found.unreachable) == ("", "")


def test_errors_are_told_once_with_their_resource() -> None:
    """Without colours, and without the line that only says that something went wrong."""
    conflict = diagnosed("error", "<{%fg 1%}>error: conflict\nwith kubectl<{%reset%}>", f"{PARENT}public-ads")  # fmt: skip
    found, _ = heard(conflict, conflict, diagnosed("error", "update failed"), diagnosed("error", "isthmus:x: bad"), diagnosed("warning", "w"))  # fmt: skip
    assert found.errors == "public-ads: conflict with kubectl\nisthmus:x: bad"


def test_a_violation_is_told_with_its_rule() -> None:
    """Mandatory ones; an advice is none."""
    events = [
        EngineEvent(
            sequence=1, timestamp=1,
            policy_event=PolicyEvent(
                message="Deployment shop/web\nhas replicas.", color="", policy_name="one-owner", policy_pack_name="p",
                policy_pack_version="1", policy_pack_version_tag="1", enforcement_level=level,
            ),
        )
        for level in ("mandatory", "warning")
    ]  # fmt: skip
    assert heard(*events)[0].errors == "one-owner: Deployment shop/web has replicas."


def test_a_cluster_that_was_left_as_it_is_is_no_success() -> None:
    """Which, where and why, each once; an outage while only comparing is none if the change got through."""
    why = diagnosed(
        "warning",
        'configured Kubernetes cluster is unreachable: unable to load schema: Get "https://10.0.0.2:6443/openapi/v2": dial tcp: refused\nmore',
        f"{PARENT}public-ads",
    )
    assert heard(why)[0].unreachable == ""
    skipped = [
        diagnosed("warning", f"{SKIPPED} to true, skipping...", PARENT + name)
        for name in ("public-ads", "private-router-core-reads-public")
    ]
    told = heard(why, *skipped)[0].unreachable
    assert told.startswith(
        "the public cluster does not answer: https://10.0.0.2:6443 (dial tcp: refused); what is"
    )
    assert "fix:" in told
    assert heard(skipped[0])[0].unreachable.startswith(
        "the public cluster does not answer; what is in it stays"
    )


def test_what_is_only_tried_says_its_errors_and_nothing_else() -> None:
    """No progress, and an outage is left to the change itself."""
    found, said = heard()
    for event in (began(OpType.CREATE), diagnosed("warning", SKIPPED), diagnosed("error", "bad")):
        found.tried(event)
    assert (said, found.unreachable, found.errors) == ([], "", "bad")


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("\n code: -9\n stdout: x\n stderr: ", 9),
        ("\n code: 255\n stdout: \n", 0),
        ("", 0),
        (" code: x", 0),
    ],
)
def test_a_killed_engine_is_known_by_its_code(text: str, signal: int) -> None:
    """Negative: the signal that ended it."""
    assert killed_by(text) == signal


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x\nerror: a is wrong\n  error: a is wrong\nerror: update failed\n", "a is wrong"),
        ("error: update failed", "update failed"),
        ("one\ntwo\nthree\nfour\n", "two\nthree\nfour"),
        ("type res  error: cannot reach https://10.0.0.1\n", "cannot reach https://10.0.0.1"),
        ("", ""),
    ],
)
def test_people_are_told_the_errors_and_not_the_progress(text: str, reason: str) -> None:
    """Each once; that a run failed is left out where it also says why."""
    assert reason_of(text) == reason
