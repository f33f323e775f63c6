"""The cache: one directory per exact input."""

from pathlib import Path

import msgspec
import pytest

from toolchain.cache import cache_home, directory_of, key_of
from toolchain.recipes import RECIPES


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    module = tmp_path / "etcd"
    module.mkdir()
    for name in ("go.mod", "go.sum", "main.go"):
        (module / name).write_text(name)
    return tmp_path


def test_the_key_follows_pins_flags_and_our_own_code(sources: Path) -> None:
    """Any of them changed is another engine; a generated file beside them is not."""
    recipe = RECIPES[0]
    keys = {key_of(recipe, sources)}
    (sources / "etcd" / "schema.json").write_text("{}")
    assert keys == {key_of(recipe, sources)}
    for name in ("go.mod", "go.sum", "main.go"):
        (sources / "etcd" / name).write_text("changed")
        keys.add(key_of(recipe, sources))
    keys.add(key_of(msgspec.structs.replace(recipe, tags=("x",)), sources))
    assert len(keys) == 5


@pytest.mark.parametrize(
    ("environ", "home"),
    [
        ({"ISTHMUS_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, Path("/c")),
        ({"XDG_CACHE_HOME": "/x"}, Path("/x/isthmus")),
        ({}, Path.home() / ".cache" / "isthmus"),
    ],
)
def test_the_cache_is_where_the_user_says(environ: dict[str, str], home: Path) -> None:
    """Our variable, then the desktop's, then the usual place."""
    assert cache_home(environ) == home
    assert directory_of(RECIPES[0], home).parent == home / "engines"
