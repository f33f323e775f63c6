"""Real clusters need root and engines: without them these tests are skipped, and on a landing that is a failure."""

import os
from pathlib import Path

import pytest

from toolchain.engines import Search

ROOT = Path(__file__).parents[2]


def lacking() -> str:
    """What real clusters need and this machine does not have; empty when they can be made."""
    if os.geteuid():
        return "network namespaces need root"
    missing = [recipe.module for recipe in Search().missing()]
    return f"engines are missing ({', '.join(missing)}); fix: make toolchain" if missing else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, or fail where a skip would hide that nothing was shown."""
    reason = lacking()
    if not reason:
        return
    if os.environ.get("ISTHMUS_E2E") == "required":
        pytest.exit(f"tests/e2e: {reason}", returncode=3)
    for item in items:
        if item.get_closest_marker("clusters") is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
