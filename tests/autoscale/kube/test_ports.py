"""How an API server's no is read."""

import json

import pytest

from autoscale.kube.ports import Answer, RefusedError, checked, refused


def answer(status: int, body: object, after_s: float = 0) -> Answer:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, body=text, retry_after_s=after_s)


def test_a_success_is_its_body() -> None:
    """Nothing is raised below 400."""
    assert checked(answer(201, {})) == b"{}"


def test_a_refusal_says_status_reason_and_whose_field_it_is() -> None:
    """The managers of a conflict stand apart from its message."""
    cause = {
        "reason": "FieldManagerConflict",
        "message": "conflict with argocd",
        "field": ".spec.minReplicas",
    }
    body = {
        "code": 409,
        "reason": "Conflict",
        "message": "no",
        "details": {"causes": [cause, {"reason": "x"}]},
    }
    with pytest.raises(RefusedError, match="409 Conflict: no") as caught:
        checked(answer(409, body))
    assert caught.value.managers == ("conflict with argocd",)


def test_what_is_no_status_is_quoted_within_a_bound() -> None:
    """A proxy's page is not read to its end."""
    said = refused(answer(502, b"<html>" + b"x" * 5000))
    assert "<html>" in str(said)
    assert len(str(said)) < 300


@pytest.mark.parametrize(
    ("status", "retriable", "final"),
    [(429, True, False), (500, True, False), (503, True, False), (410, True, False), (409, False, False),
     (404, False, False), (403, False, True), (422, False, True), (400, False, True)],
)  # fmt: skip
def test_who_can_change_the_answer(status: int, *, retriable: bool, final: bool) -> None:
    """Time, a new look, or a person."""
    said = refused(answer(status, {"reason": "r"}, after_s=7))
    assert (said.retriable, said.is_final, said.retry_after_s) == (retriable, final, 7)
