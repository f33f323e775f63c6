"""Twin of marketing/problems.py."""

import json

import pytest

from marketing.problems import ProblemError, problem_response


@pytest.mark.parametrize("status", [400, 404, 409, 413, 415, 422, 503])
def test_a_problem_is_an_rfc_9457_document(status: int) -> None:
    """Type, title, status and detail stand in a problem+json body with the same status."""
    response = problem_response(ProblemError(status, "expected something else"))
    assert response.status == status
    assert response.content_type == "application/problem+json"
    document = json.loads(response.body)
    assert set(document) == {"type", "title", "status", "detail"}
    assert document["status"] == status


def test_only_a_problem_worth_retrying_carries_retry_after() -> None:
    """Retry-After appears exactly when a delay is named."""
    assert "Retry-After" not in problem_response(ProblemError(400, "no")).headers
    assert problem_response(ProblemError(503, "no", retry_after_s=2)).headers["Retry-After"] == "2"
