"""The policy a stack names: one reader for the program and for what looks before it."""

from pathlib import Path

from infra.config import ConfigError, Settings, wrong
from policy.load import load_policy
from policy.model import Policy
from policy.problems import PolicyError


def read_policy(settings: Settings, root: Path) -> tuple[Policy, str]:
    """The policy and its text; a relative path is below `root`. Raises `ConfigError`."""
    path = root / settings.policy
    try:
        data = path.read_bytes()
    except OSError as error:
        raise wrong(
            "policy", what=f"{path} cannot be read ({error.strerror})", expected="a policy file",
            fix="pulumi config set isthmus:policy PATH",
        ) from error  # fmt: skip
    try:
        return load_policy(data, str(path)), data.decode()
    except PolicyError as error:
        raise ConfigError(str(error)) from error
