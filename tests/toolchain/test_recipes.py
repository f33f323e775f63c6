"""The recipes: versions are read and judged, every module is pinned, nothing is named twice."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.cache import MODULES
from toolchain.recipes import GO_AT_LEAST, RECIPES, Program, version_in

PARTS = st.integers(0, 999)


@given(PARTS, PARTS, PARTS, st.sampled_from(["", "v"]))
def test_a_version_is_read_wherever_it_stands(major: int, minor: int, patch: int, v: str) -> None:
    """With or without `v`, between words; a fourth part makes it something else."""
    text = f"etcd Version: {v}{major}.{minor}.{patch} (linux/amd64)"
    assert version_in(text) == (major, minor, patch)
    assert version_in(f"at {major}.{minor}.{patch}.7") == ()


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("Kubernetes v1.37.2\n", (1, 37, 2)),
        ("Client Version: v1.37.2\nKustomize Version: v5.8.1\n", (1, 37, 2)),
        ("kwok version v0.8.0 go1.26.8 (linux/amd64)\n", (0, 8, 0)),
        ("prometheus, version 3.14.0 (branch: , revision: unknown)\n", (3, 14, 0)),
        ("v3.259.0\n", (3, 259, 0)),
        ("no idea\n", ()),
    ],
)
def test_what_engines_print_is_understood(told: str, version: tuple[int, ...]) -> None:
    """As each of them was seen to print it."""
    assert version_in(told) == version


@given(st.tuples(PARTS, PARTS, PARTS))
def test_a_version_is_accepted_from_the_lowest_up_to_the_next(version: tuple[int, ...]) -> None:
    """Half open, compared part by part; no version at all is never accepted."""
    program = Program(name="x", asks=("version",), at_least=(1, 37), below=(1, 38))
    assert program.accepts(version) == (version[:2] == (1, 37))
    assert not program.accepts(())


def test_every_program_comes_from_one_pinned_module() -> None:
    """Each module has its sums; a program is a package or another name of one; names are unique."""
    names = [program.name for recipe in RECIPES for program in recipe.programs]
    assert len(names) == len(set(names))
    for recipe in RECIPES:
        assert (MODULES / recipe.module / "go.sum").stat().st_size > 0
        own = {program.name for program in recipe.programs}
        for program in recipe.programs:
            assert bool(program.package) != bool(program.alias_of)
            assert program.alias_of in {"", *own}


def test_go_need_not_fetch_a_newer_self() -> None:
    """No module asks for a newer Go than the one we accept."""
    for recipe in RECIPES:
        asked = re.search(
            r"^go (\S+)", (MODULES / recipe.module / "go.mod").read_text(), re.MULTILINE
        )
        assert asked
        assert version_in(asked.group(1)) <= GO_AT_LEAST
