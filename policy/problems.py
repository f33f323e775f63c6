"""What is wrong with a policy or topology file: one line per problem, all of them at once."""

import difflib
from collections.abc import Iterable

from policy.model import Model


class Problem(Model, frozen=True, kw_only=True):
    """One fault of a file: where it stands, what was expected, and how to mend it.

    `line` and `column` start at 1; 0 means the file as a whole. `path` is like `routes[2].match.paths[0]`.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    expected: str
    fix: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        path = f"{self.path}: " if self.path else ""
        return f"{place}: {path}{self.message}; expected {self.expected}; fix: {self.fix}"


class PolicyError(Exception):
    """A file that cannot be used; `problems` has every fault found, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.line, p.column)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The advice for a name that is not in `known`: the nearest one, or the whole list."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"use one of: {', '.join(names)}" if names else "remove it"
