"""The language host's protocol, without the SDK around it: `import pulumi` alone costs a second per start.

The generated modules stand in `pulumi.runtime.proto`; empty parents that only say where they are let Python find
them there without running theirs.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def _parents() -> None:
    if "pulumi" in sys.modules:
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or spec.origin is None:
        raise ImportError("the package pulumi is not installed; fix: make setup")
    home = Path(spec.origin).parent
    for name, path in (("pulumi", home), ("pulumi.runtime", home / "runtime")):
        module = ModuleType(name)
        module.__path__ = [str(path)]
        sys.modules[name] = module


_parents()

from pulumi.runtime.proto import language_pb2 as language  # noqa: E402  # after its parents
from pulumi.runtime.proto import language_pb2_grpc as language_rpc  # noqa: E402  # as above
from pulumi.runtime.proto import plugin_pb2 as plugin  # noqa: E402  # as above

__all__ = ["language", "language_rpc", "plugin"]
