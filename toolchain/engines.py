"""Where each engine is: on PATH at a version that will do, else in the cache, else to be built."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from toolchain.cache import MODULES, cache_home, directory_of
from toolchain.recipes import RECIPES, Program, Recipe, Version, version_in

ASK_S_MAX = 30.0
"""A cold start of the largest engine takes a second."""

Origin = Literal["path", "cache", "missing"]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One engine; `path` is empty when missing, `refused` says what on PATH will not do and why."""

    name: str
    module: str
    origin: Origin
    path: str = ""
    version: str = ""
    expected: str
    refused: str = ""


class Search:
    """Looks for engines as `environ` shows them."""

    def __init__(
        self,
        home: Path | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        sources: Path = MODULES,
    ) -> None:
        self._home = home or cache_home(environ)
        self._path = environ.get("PATH", os.defpath)
        self._sources = sources

    def all(self, recipes: Iterable[Recipe] = RECIPES) -> tuple[Found, ...]:
        """Every program of every recipe, in order."""
        return tuple(found for recipe in recipes for found in self._of(recipe))

    def missing(self, recipes: Iterable[Recipe] = RECIPES) -> tuple[Recipe, ...]:
        """The recipes of which something is missing."""
        return tuple(
            recipe for recipe in recipes if any(it.origin == "missing" for it in self._of(recipe))
        )

    def _of(self, recipe: Recipe) -> Iterator[Found]:
        for program in recipe.programs:
            # the binary behind the aliases is only wanted where one of them is taken from the cache
            if not any(other.alias_of == program.name for other in recipe.programs):
                yield self._find(recipe, program)

    def _find(self, recipe: Recipe, program: Program) -> Found:
        on_path = shutil.which(program.name, path=self._path) if program.asks else None
        version = _version_of(Path(on_path), program) if on_path else ()
        if on_path and program.accepts(version):
            return _found(recipe, program, "path", on_path, _text(version))
        refused = ""
        if on_path:
            refused = f"{on_path} is {_text(version) or 'of no version it will say'}"
        built = directory_of(recipe, self._home, self._sources) / program.name
        if built.exists():
            wanted = recipe.version.removeprefix("v")
            return _found(recipe, program, "cache", str(built), wanted, refused)
        return _found(recipe, program, "missing", "", "", refused)


def _found(  # noqa: PLR0913, PLR0917 - the fields of one row
    recipe: Recipe, program: Program, origin: Origin, path: str, version: str, refused: str = ""
) -> Found:
    return Found(
        name=program.name, module=recipe.module, origin=origin, path=path, version=version,
        expected=program.expected, refused=refused,
    )  # fmt: skip


def _text(version: Version) -> str:
    return ".".join(map(str, version))


def _version_of(path: Path, program: Program) -> Version:
    try:
        told = subprocess.run(
            [path, *program.asks], check=False, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=ASK_S_MAX,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ()
    return version_in(told.stdout + told.stderr)
