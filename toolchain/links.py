"""`.isthmus/bin`: every engine under its name, so that one directory on PATH is enough."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from toolchain.engines import Found

HOST = "pulumi-language-python"
_HOST_TEXT = """#!{python}
from toolchain.language_host import main

main()
"""


def link_all(found: Iterable[Found], directory: Path) -> None:
    """Make `directory` hold a link to each engine that is there, and no other link of ours."""
    directory.mkdir(parents=True, exist_ok=True)
    there = tuple(it for it in found if it.path)
    wanted = {it.name: Path(it.path) for it in there}
    for it in there:
        if it.origin == "cache":
            # scripts that were copied beside a built program belong to it
            wanted |= {
                other.name: other
                for other in Path(it.path).parent.iterdir()
                if os.access(other, os.X_OK)
            }
    built_pulumi = next(
        (Path(it.path) for it in there if (it.name, it.origin) == ("pulumi", "cache")), None
    )
    _remove_stale(directory, wanted, built_pulumi=built_pulumi)
    for name, path in wanted.items():
        if path != built_pulumi:
            _link(directory / name, path)
    if built_pulumi is not None:
        _host(directory, built_pulumi)


def _remove_stale(directory: Path, wanted: dict[str, Path], *, built_pulumi: Path | None) -> None:
    for entry in directory.iterdir():
        if entry.is_symlink() and entry.name not in wanted:
            entry.unlink()
    if built_pulumi is None:
        (directory / HOST).unlink(missing_ok=True)


def _link(link: Path, path: Path) -> None:
    if link.is_symlink() and link.readlink() == path:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(path)


def _host(directory: Path, pulumi: Path) -> None:
    """Pulumi looks for its host beside its own file: the file itself has to be here, and the host too."""
    own, host = directory / "pulumi", directory / HOST
    if own.is_symlink() or not own.exists() or not _is_same(own, pulumi):
        own.unlink(missing_ok=True)
        try:
            os.link(pulumi, own)
        except OSError:  # another file system
            shutil.copy2(pulumi, own)
    host.write_text(_HOST_TEXT.format(python=sys.executable))
    host.chmod(0o755)


def _is_same(one: Path, other: Path) -> bool:
    a, b = one.stat(), other.stat()
    return os.path.samestat(a, b) or (a.st_size, a.st_mtime) == (b.st_size, b.st_mtime)
