"""A build is whole or absent, says how far it is, and names what Go said when it fails."""

import json
from pathlib import Path

import pytest

from toolchain.build import Builder, BuildError, embed_schema
from toolchain.cache import directory_of
from toolchain.recipes import Copied, Program, Recipe

RECIPE = Recipe(
    module="demo",
    version="v1",
    programs=(Program(name="multi", package="./cmd"), Program(name="alias", alias_of="multi")),
    defines=("a.B=c",),
    tags=("one", "two"),
    copies=(Copied(name="script", module="example.test/lib", path="bin/script"),),
)
GO = """#!/usr/bin/env python3
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
with open(here / "calls", "a") as calls:
    calls.write(json.dumps([sys.argv[1:], os.getcwd(), os.environ["GOCACHE"], os.environ["GOFLAGS"]]) + "\\n")
match sys.argv[1]:
    case "list" if "-deps" in sys.argv: print("fmt\\nos\\ndemo")
    case "list": print("v9")
    case "mod": print(json.dumps({"Dir": str(here / "lib")}))
    case "build":
        print("fmt", "demo", sep="\\n", file=sys.stderr)
        if (here / "broken").exists():
            print("main.go:3: no such thing", file=sys.stderr)
            sys.exit(1)
        out = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
        out.write_text("built")
        pathlib.Path(os.environ["GOCACHE"]).mkdir(exist_ok=True)
"""


class Yard:
    """Sources of a module, a `go` that records its calls, and a cache."""

    def __init__(self, root: Path) -> None:
        self.root, self.home, self.sources = root, root / "home", root / "sources"
        (self.sources / "demo").mkdir(parents=True)
        (self.sources / "demo" / "go.mod").write_text("module demo\n")
        (root / "lib" / "bin").mkdir(parents=True)
        (root / "lib" / "bin" / "script").write_text("#!/bin/sh\n")
        (root / "go").write_text(GO)
        (root / "go").chmod(0o755)
        self.told: list[str] = []
        self.builder = Builder(root / "go", self.home, self.told.append, sources=self.sources)

    def calls(self) -> list[list[str]]:
        return [json.loads(line)[0] for line in (self.root / "calls").read_text().splitlines()]


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def test_a_build_makes_every_program_once(yard: Yard) -> None:
    """Binary, other names and copied scripts, with the recipe's flags; the second call builds nothing."""
    for _ in range(2):
        made = yard.builder.build(RECIPE)
        assert made == directory_of(RECIPE, yard.home, yard.sources)
    assert sorted(it.name for it in made.iterdir()) == ["alias", "multi", "script"]
    assert (made / "alias").readlink() == Path("multi")
    assert (made / "script").stat().st_mode & 0o111
    (build,) = [call for call in yard.calls() if call[0] == "build"]
    assert build[build.index("-ldflags") + 1] == "-s -w -X a.B=c"
    assert build[build.index("-tags") + 1] == "one,two"
    assert build[-1] == "./cmd"


def test_progress_counts_packages(yard: Yard) -> None:
    """Of those the program consists of."""
    yard.builder.build(RECIPE)
    assert yard.told == [
        "demo: fetching sources", "multi: 1 of 3 packages", "multi: 2 of 3 packages",
    ]  # fmt: skip


def test_a_failed_build_leaves_nothing_half_made_and_its_objects_for_the_next(yard: Yard) -> None:
    """The error shows what Go said and the fix; once mended it goes through."""
    (yard.root / "broken").touch()
    with pytest.raises(BuildError, match=r"multi: [\s\S]*main\.go:3: no such thing[\s\S]*fix:"):
        yard.builder.build(RECIPE)
    assert list((yard.home / "engines").iterdir()) == []
    (yard.root / "broken").unlink()
    yard.builder.build(RECIPE)
    objects = yard.home / "go-build"
    assert objects.is_dir()
    yard.builder.forget_objects()
    assert not objects.exists()


def test_a_go_that_will_not_start_is_named(yard: Yard) -> None:
    """Not a traceback."""
    (yard.root / "go").unlink()
    with pytest.raises(BuildError, match="fix:"):
        yard.builder.build(RECIPE)


def test_the_provider_s_schema_gets_its_version_and_loses_its_spaces(tmp_path: Path) -> None:
    """As its own generator would write it."""
    (tmp_path / "schema.json").write_text('{ "name": "kubernetes", "version": "0" }')
    (tmp_path / "terraform-mapping.json").write_text('{ "a": 1 }')
    made = tmp_path / "made"
    made.mkdir()
    embed_schema(tmp_path, made)
    assert (made / "schema.json").read_text() == '{"name":"kubernetes","version":"4.25.0"}'
    assert (made / "terraform-mapping.json").read_text() == '{"a":1}'
