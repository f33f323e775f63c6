"""The fabric as described under the shipped policy, once per configuration."""

import functools

from infra.stacks import build
from tests.infra.stage import Described, describe, fabric_values


@functools.cache
def described(**changed: str) -> Described:
    """The whole fabric stack."""
    return describe(build, stack="dev-fabric", values=fabric_values(**changed))
