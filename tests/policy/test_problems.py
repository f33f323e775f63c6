"""What a problem looks like to its reader."""

import pytest

from policy.problems import PolicyError, Problem, did_you_mean


def problem(line: int, path: str = "routes[0].class") -> Problem:
    return Problem(
        file="policy.yaml", line=line, column=3, path=path, message='"secret" is not known',
        expected="public or sensitive", fix="use one of: public, sensitive",
    )  # fmt: skip


def test_a_problem_is_one_line_with_place_expectation_and_fix() -> None:
    """File, line, path, what, expected, fix: in that order."""
    assert str(problem(9)) == (
        'policy.yaml:9: routes[0].class: "secret" is not known; '
        "expected public or sensitive; fix: use one of: public, sensitive"
    )


def test_a_problem_of_the_whole_file_has_no_line() -> None:
    """An empty file has nowhere to point at."""
    assert str(problem(0, "")).startswith('policy.yaml: "secret"')


def test_an_error_lists_its_problems_in_file_order() -> None:
    """One line each, top to bottom."""
    error = PolicyError([problem(9), problem(2)])
    assert [found.line for found in error.problems] == [2, 9]
    assert [line.split(":")[1] for line in str(error).splitlines()] == ["2", "9"]


@pytest.mark.parametrize(
    ("name", "known", "advice"),
    [
        ("servce", ["service", "id"], 'did you mean "service"?'),
        ("zzz", ["service", "id"], "use one of: id, service"),
        ("zzz", [], "remove it"),
    ],
)
def test_advice_names_the_nearest_or_all(name: str, known: list[str], advice: str) -> None:
    """A slip of the key is answered by the key."""
    assert did_you_mean(name, known) == advice
