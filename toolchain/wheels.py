"""Put the packages of a lock into a directory of ours, beside the environment and not into it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

INSTALL_S_MAX = 900.0


class WheelError(Exception):
    """The packages could not be had: which lock, what the installer said, what to do."""


def install_wheels(lock: Path, target: Path, *, state: Path, dependencies: bool = True) -> None:
    """Install what `lock` pins by hash; `state` is where set-up has put uv if none is on PATH. Raises `WheelError`."""
    uv = shutil.which("uv") or str(state / "setup" / "uv" / "bin" / "uv")
    command = [
        uv, "pip", "install", "--quiet", "--require-hashes", *(() if dependencies else ("--no-deps",)),
        "--python", sys.executable, "--target", str(target), "-r", str(lock),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=INSTALL_S_MAX,
            env={**os.environ, "UV_SYSTEM_CERTS": "true", "UV_NO_PROGRESS": "1"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise WheelError(
            f"{uv}: {error}; expected uv to install {lock.name}. fix: make setup"
        ) from error
    if done.returncode:
        raise WheelError(
            f"{lock.name} could not be installed: {done.stderr.strip()[-500:]}; "
            "fix: check the network and the package index"
        )
