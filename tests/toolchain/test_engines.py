"""Engines are taken from PATH at the right version, else from the cache, else they are missing."""

from pathlib import Path

import pytest

from toolchain.cache import directory_of
from toolchain.engines import Found, Search
from toolchain.recipes import Program, Recipe

RECIPE = Recipe(
    module="demo",
    version="v1.37.2",
    programs=(
        Program(name="multi", package="."),
        Program(name="server", alias_of="multi", asks=("--version",), at_least=(1, 37), below=(1, 38)),
    ),
)  # fmt: skip


class Place:
    """A PATH, a cache and sources of a made-up module."""

    def __init__(self, root: Path) -> None:
        self.sources, self.home, self.bin = root / "sources", root / "home", root / "bin"
        (self.sources / "demo").mkdir(parents=True)
        (self.sources / "demo" / "go.mod").write_text("module demo\n")
        self.bin.mkdir()

    def on_path(self, says: str) -> None:
        program = self.bin / "server"
        program.write_text(f"#!/bin/sh\n{says}\n")
        program.chmod(0o755)

    def built(self) -> Path:
        made = directory_of(RECIPE, self.home, self.sources)
        made.mkdir(parents=True)
        (made / "multi").write_text("#!/bin/sh\n")
        (made / "multi").chmod(0o755)
        (made / "server").symlink_to("multi")
        return made

    def search(self) -> Search:
        return Search(self.home, environ={"PATH": str(self.bin)}, sources=self.sources)

    def find(self) -> Found:
        (found,) = self.search().all((RECIPE,))
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_nothing_anywhere_is_missing(place: Place) -> None:
    """And its recipe is what has to be built."""
    assert place.find().origin == "missing"
    assert place.search().missing((RECIPE,)) == (RECIPE,)


def test_path_comes_first_when_the_version_will_do(place: Place) -> None:
    """Even beside a built one."""
    place.built()
    place.on_path("echo Kubernetes v1.37.9")
    found = place.find()
    assert (found.origin, found.version, found.path) == (
        "path",
        "1.37.9",
        str(place.bin / "server"),
    )


@pytest.mark.parametrize(
    ("says", "refused"),
    [("echo v1.20.2", "is 1.20.2"), ("echo hello", "of no version"), ("exit 1", "of no version")],
)
def test_a_wrong_one_on_path_is_refused_and_named(place: Place, says: str, refused: str) -> None:
    """The cache is used instead; without one it is missing, and both say what was not used and why."""
    place.on_path(says)
    assert place.find().origin == "missing"
    made = place.built()
    found = place.find()
    assert (found.origin, found.path) == ("cache", str(made / "server"))
    assert refused in found.refused
    assert place.search().missing((RECIPE,)) == ()
