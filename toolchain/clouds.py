"""The cloud SDKs that drivers `eks`, `ack` and `k3s-ssh` are tested against: 194 MB that only those tests need.

They go into `.isthmus/setup/clouds`, beside the environment and not into it, so that nobody pays for them who runs
a demo; their own dependencies are in the environment already.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements-clouds.lock"
INSTALL_S_MAX = 900.0


def install(state: Path, lock: Path = LOCK) -> int:
    """Make `state/setup/clouds` hold what the lock says; a second call does nothing. Returns the exit code."""
    target = state / "setup" / "clouds"
    done = target / ".done"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if done.exists() and done.read_text() == digest:
        return 0
    uv = shutil.which("uv") or str(state / "setup" / "uv" / "bin" / "uv")
    shutil.rmtree(target, ignore_errors=True)
    command = [
        uv, "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--python", sys.executable,
        "--target", str(target), "-r", str(lock),
    ]  # fmt: skip
    try:
        code = subprocess.run(
            command, check=False, timeout=INSTALL_S_MAX,
            env={**os.environ, "UV_SYSTEM_CERTS": "true", "UV_NO_PROGRESS": "1"},
        ).returncode  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"toolchain: {uv}: {error}; expected uv. fix: make setup\n")
        return 3
    if code:
        sys.stderr.write(
            f"toolchain: the packages of {lock.name} could not be installed. fix: check the network and the package index\n"
        )
        return 3
    done.write_text(digest)
    return 0


if __name__ == "__main__":
    raise SystemExit(install(Path.cwd() / ".isthmus"))
