"""One moment of all caches."""

from autoscale.targets.snapshot import Snapshot


def test_each_snapshot_is_its_own() -> None:
    """An empty one shares nothing with another."""
    one = Snapshot()
    one.hpas["x"] = None  # type: ignore[assignment]
    assert Snapshot().hpas == {}
