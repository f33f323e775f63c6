"""Where built engines stay: outside the checkout, each under the digest of everything it was made from."""

import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import msgspec

from toolchain.recipes import Recipe

MODULES = Path(__file__).with_name("modules")
KEY_LETTERS = 16


def cache_home(environ: Mapping[str, str] = os.environ) -> Path:
    """`$ISTHMUS_CACHE`, else `isthmus` in the user's cache directory."""
    named = environ.get("ISTHMUS_CACHE")
    if named:
        return Path(named)
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "isthmus"


def key_of(recipe: Recipe, sources: Path = MODULES) -> str:
    """Changes with the pins, our own sources, the flags and the kind of machine; with nothing else."""
    digest = hashlib.sha256(msgspec.json.encode(recipe))
    digest.update(f"{platform.system()}-{platform.machine()}".encode())
    for path in sorted((sources / recipe.module).iterdir()):
        if path.name in {"go.mod", "go.sum"} or path.suffix == ".go":
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:KEY_LETTERS]


def directory_of(recipe: Recipe, home: Path, sources: Path = MODULES) -> Path:
    """The directory that holds its programs once it is built: there, it is whole."""
    return home / "engines" / f"{recipe.module}-{recipe.version}-{key_of(recipe, sources)}"
