"""The router's own answers."""

import json

import pytest

from router.problem import DETAILS, problem_body, reason_phrase


@pytest.mark.parametrize("code", sorted(DETAILS))
def test_every_code_is_a_whole_problem_document(code: str) -> None:
    """RFC 9457 members are there, and the status is the one given."""
    document = json.loads(problem_body(503, code))
    assert document["status"] == 503
    assert document["title"] == "Service Unavailable"
    assert document["type"].endswith(code)
    assert document["detail"]


def test_unknown_statuses_have_no_phrase() -> None:
    """A status nobody registered is written without one."""
    assert reason_phrase(421) == b"Misdirected Request"
    assert reason_phrase(799) == b""
    assert json.loads(problem_body(799, "internal"))["title"] == "Error"
