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


def test_a_refusal_says_status_and_reason() -> None:
    """In the server's own words."""
    body = {"code": 409, "reason": "Conflict", "message": "no"}
    with pytest.raises(RefusedError, match="409 Conflict: no") as caught:
        checked(answer(409, body))
    assert (caught.value.status, caught.value.reason) == (409, "Conflict")


def test_what_is_no_status_is_quoted_within_a_bound() -> None:
    """A proxy's page is not read to its end."""
    said = refused(answer(502, b"<html>" + b"x" * 5000))
    assert "<html>" in str(said)
    assert len(str(said)) < 300


@pytest.mark.parametrize(
    ("status", "final"),
    [(429, False), (500, False), (503, False), (410, False), (409, False), (404, False), (401, True),
     (403, True), (422, True), (400, True)],
)  # fmt: skip
def test_who_can_change_the_answer(status: int, *, final: bool) -> None:
    """Time and a new look, or only a person."""
    said = refused(answer(status, {"reason": "r"}, after_s=7))
    assert (said.is_final, said.retry_after_s) == (final, 7)
