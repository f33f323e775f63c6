"""Build one module's programs with Go into the cache: whole or not at all, resumable, with progress.

The compiler's own cache stands beside the engines and grows to 11 GB; `forget_objects` removes it when all are built.
A build cut short leaves it, so that the next one goes on from there.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from toolchain.cache import MODULES, directory_of
from toolchain.recipes import PULUMI_KUBERNETES, PULUMI_KUBERNETES_MODULE, Program, Recipe

LIST_S_MAX = 900.0
"""Listing packages downloads their modules first: a gigabyte for the largest."""
STOP_S = 10.0
ERROR_LINES_SHOWN = 15

Progress = Callable[[str], None]


class BuildError(Exception):
    """A module did not build: which, what Go said, and what to do."""


class Builder:
    """Builds into `home` with `go`."""

    def __init__(
        self, go: Path, home: Path, progress: Progress, *, sources: Path = MODULES
    ) -> None:
        self._go = go
        self._home = home
        self._progress = progress
        self._sources = sources

    def build(self, recipe: Recipe) -> Path:
        """The directory with the module's programs, built if it is not there yet. Raises `BuildError`."""
        target = directory_of(recipe, self._home, self._sources)
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{recipe.module}-", dir=target.parent) as scratch:
            source, made = Path(scratch, "source"), Path(scratch, "made")
            shutil.copytree(self._sources / recipe.module, source)
            made.mkdir()
            self._complete(recipe, source)
            self._compile(recipe, source, made)
            self._copy(recipe, source, made)
            made.rename(target)
        return target

    def forget_objects(self) -> None:
        """Remove the compiler's cache."""
        shutil.rmtree(self._objects, ignore_errors=True)

    @property
    def _objects(self) -> Path:
        return self._home / "go-build"

    def _complete(self, recipe: Recipe, source: Path) -> None:
        if recipe.module == "provider":
            self._progress("provider: preparing its schema")
            folder = self._module_directory(source, PULUMI_KUBERNETES_MODULE)
            embed_schema(folder / "cmd" / "pulumi-resource-kubernetes", source)

    def _compile(self, recipe: Recipe, source: Path, made: Path) -> None:
        packages = [program.package for program in recipe.programs if program.package]
        self._progress(f"{recipe.module}: fetching sources")
        wanted = len(self._ask(source, "list", "-deps", *_tags(recipe), *packages).split())
        done: set[str] = set()
        for program in recipe.programs:
            if program.alias_of:
                (made / program.name).symlink_to(program.alias_of)
                continue
            self._go_build(recipe, program, source, made, lambda: f"{len(done)} of {wanted}", done)

    def _go_build(  # noqa: PLR0913, PLR0917 - what one call of the compiler needs
        self,
        recipe: Recipe,
        program: Program,
        source: Path,
        made: Path,
        told: Callable[[], str],
        done: set[str],
    ) -> None:
        defines = " ".join(("-s", "-w", *(f"-X {define}" for define in recipe.defines)))
        command = [
            self._go, "build", "-v", "-trimpath", *_tags(recipe), "-ldflags", defines,
            "-o", made / program.name, program.package,
        ]  # fmt: skip
        last: list[str] = []
        child = subprocess.Popen(
            command, cwd=source, env=self._environ(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            for line in child.stderr or ():
                last = [*last[-ERROR_LINES_SHOWN:], line.rstrip()]
                if " " not in line.strip():
                    done.add(line.strip())
                    self._progress(f"{program.name}: {told()} packages")
            code = child.wait()
        finally:
            _end(child)
        if code:
            raise _failed(program.name, "\n".join(last))

    def _copy(self, recipe: Recipe, source: Path, made: Path) -> None:
        for script in recipe.copies:
            found = self._module_directory(source, script.module) / script.path
            shutil.copyfile(found, made / script.name)
            (made / script.name).chmod(0o755)

    def _module_directory(self, source: Path, module: str) -> Path:
        told = self._ask(
            source, "mod", "download", "-json", f"{module}@{self._pinned(source, module)}"
        )
        return Path(json.loads(told)["Dir"])

    def _pinned(self, source: Path, module: str) -> str:
        return self._ask(source, "list", "-m", "-f", "{{.Version}}", module).strip()

    def _ask(self, source: Path, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [self._go, *arguments], cwd=source, env=self._environ(), check=False,
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIST_S_MAX,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise _failed(source.name, str(error)) from error
        if done.returncode:
            raise _failed(" ".join(arguments), done.stderr)
        return done.stdout

    def _environ(self) -> Mapping[str, str]:
        return {
            **os.environ,
            "CGO_ENABLED": "0",
            "GOCACHE": str(self._objects),
            "GOFLAGS": "-mod=readonly",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }


def _tags(recipe: Recipe) -> tuple[str, ...]:
    return ("-tags", ",".join(recipe.tags)) if recipe.tags else ()


def _end(child: "subprocess.Popen[str]") -> None:
    """Stop the compiler if it still runs: we are being interrupted."""
    if child.stderr is not None:
        child.stderr.close()
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _failed(what: str, said: str) -> BuildError:
    shown = "\n".join(f"    {line}" for line in said.strip().splitlines()[-ERROR_LINES_SHOWN:])
    return BuildError(
        f"{what}: Go could not build it; it says:\n{shown or '    (nothing)'}\n"
        "  fix: check the network, the module proxy and the space on disk, then make toolchain again: it goes on where it was"
    )


def embed_schema(generated: Path, source: Path) -> None:
    """Write the two files the provider embeds, as its own generator would: compact, the schema with its version."""
    schema: dict[str, Any] = msgspec.json.decode((generated / "schema.json").read_bytes())
    schema["version"] = PULUMI_KUBERNETES.removeprefix("v")
    (source / "schema.json").write_bytes(msgspec.json.encode(schema))
    mapping: Any = msgspec.json.decode((generated / "terraform-mapping.json").read_bytes())
    (source / "terraform-mapping.json").write_bytes(msgspec.json.encode(mapping))
