"""What `pulumi up` runs: the stack it has selected."""

import sys
from pathlib import Path

# The engine puts this folder first on the path, where its modules would hide others of the same name.
sys.path[:] = [it for it in sys.path if Path(it).resolve() != Path(__file__).resolve().parent]

from infra.stacks import build  # noqa: E402 - after the path is right

build()
