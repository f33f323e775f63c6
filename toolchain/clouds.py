"""The cloud SDKs that drivers `eks`, `ack` and `k3s-ssh` are tested against: 194 MB that only those tests need.

They go into `.isthmus/setup/clouds`, beside the environment and not into it, so that nobody pays for them who runs
a demo; their own dependencies are in the environment already.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from toolchain.wheels import WheelError, install_wheels

LOCK = Path(__file__).parents[1] / "requirements-clouds.lock"


def install(state: Path, lock: Path = LOCK) -> int:
    """Make `state/setup/clouds` hold what the lock says; a second call does nothing. Returns the exit code."""
    target = state / "setup" / "clouds"
    done = target / ".done"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if done.exists() and done.read_text() == digest:
        return 0
    shutil.rmtree(target, ignore_errors=True)
    try:
        install_wheels(lock, target, state=state, dependencies=False)
    except WheelError as error:
        sys.stderr.write(f"toolchain: {error}\n")
        return 3
    done.write_text(digest)
    return 0


if __name__ == "__main__":
    raise SystemExit(install(Path.cwd() / ".isthmus"))
