"""A run on clusters that are not there says so; on real ones it is shown by tests/e2e."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from cli.demo_clusters_run import run_on_clusters
from cli.demo_options import DemoOptions
from cli.demo_run import DemoError


def test_an_environment_that_is_not_up_is_named_with_the_way_up(tmp_path: Path) -> None:
    """Nothing is started; the exit code is that of a missing environment."""
    options = DemoOptions(root=tmp_path, seed=1, rate=100, duration_s=15)
    with pytest.raises(
        DemoError, match=r"shop: not both clusters are up.*fix: isthmus up shop"
    ) as told:
        run_on_clusters(options, "shop", Console(file=io.StringIO()))
    assert told.value.exit_code == 3
    assert not (tmp_path / ".isthmus" / "runs").exists()
