"""The policy a stack names, read once for all."""

import pytest

from infra.config import ConfigError, Settings
from infra.policy_file import read_policy
from infra.stacks import ROOT


def test_the_shipped_policy_is_read_with_its_text() -> None:
    """As the default of the key names it."""
    policy, text = read_policy(Settings(), ROOT)
    assert policy.sites
    assert text == (ROOT / Settings().policy).read_text()


def test_a_policy_that_cannot_be_read_is_named(tmp_path) -> None:
    """Whether it is missing or wrong."""
    with pytest.raises(ConfigError, match=r"isthmus:policy: .*cannot be read"):
        read_policy(Settings(), tmp_path)
    (tmp_path / "p.yaml").write_text("version: isthmus/v9\n")
    with pytest.raises(ConfigError, match=r"p\.yaml:1: .*fix: "):
        read_policy(Settings(policy="p.yaml"), tmp_path)
