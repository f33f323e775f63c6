"""Everything known from outside the API server."""

import json
import threading
from pathlib import Path

import pytest

from autoscale.control.settings import (
    AutoscaleSettings,
    CapacitySettings,
    DemandSettings,
    SettingsError,
)
from autoscale.control.sources import LiveSources, measured_capacity
from autoscale.kube.ports import UnreachableError
from autoscale.targets.groups import Groups
from autoscale.targets.pools import GroupSeen
from autoscale.verify.canary import Canaries
from tests.autoscale.control.fake_shop import FakeClock


class Group:
    """A node group that takes one change and then none."""

    def __init__(self) -> None:
        self.minimum, self.failing = 2, False

    def read(self) -> GroupSeen:
        return GroupSeen(minimum=self.minimum, maximum=9)

    def set_minimum(self, minimum: int) -> None:
        if self.failing:
            from autoscale.targets.groups import GroupError  # noqa: PLC0415

            raise GroupError("throttled")
        self.minimum = minimum


def sources(url: str = "", group: Group | None = None) -> LiveSources:
    settings = AutoscaleSettings(demand=DemandSettings(url=url))
    groups = Groups({} if group is None else {"ads": group})
    return LiveSources(settings, FakeClock(), groups=groups, canaries=Canaries({}, timeout_s=1))


def test_without_a_prometheus_nothing_is_known_of_demand() -> None:
    """So nothing is let go before its hold ends."""
    assert sources().demand({"k": 60}) == {}
    assert sources("http://127.0.0.1:1").demand({"k": 60}) == {}
    assert sources().canary(["k"]) == {}
    assert dict(sources().capacity()) == {}
    assert list(sources().forecasts([])) == []


def test_a_group_is_read_and_written_through_its_cloud() -> None:
    """A cloud that refuses is a server that was not reached: tried again."""
    group = Group()
    made, stop = sources(group=group), threading.Event()
    threads = made.start(stop)
    made.set_minimum("ads", 6)
    assert group.minimum == 6
    group.failing = True
    with pytest.raises(UnreachableError, match="throttled"):
        made.set_minimum("ads", 7)
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert set(made.groups()) == {"ads"}


def capacity(path: Path, **services: dict[str, object]) -> str:
    whole = {"replicas": 3, "measured_rps": 900.0, "replica_rps": 300.0, "why": ""}
    filled = {name: whole | said for name, said in services.items()}
    path.write_text(json.dumps({"run": "r", "wall_ms": 1, "services": filled}))
    return str(path)


def test_measured_capacity_is_its_lower_bound(tmp_path: Path) -> None:
    """A service nobody may plan with is left out: its promotions say so."""
    file = capacity(
        tmp_path / "c.json", ads={"replica_rps_low": 280.0, "confidence": "low"},
        clicks={"replica_rps_low": 280.0, "confidence": "none"},
    )  # fmt: skip
    services = {"Deployment/x/a": "ads", "Deployment/x/c": "clicks"}
    assert measured_capacity(CapacitySettings(file=file, services=services)) == {
        "Deployment/x/a": 280.0
    }
    assert measured_capacity(CapacitySettings()) == {}


def test_a_capacity_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Missing, of another shape, or without the service."""
    with pytest.raises(SettingsError, match="isthmus load gate"):
        measured_capacity(CapacitySettings(file=str(tmp_path / "none")))
    file = capacity(tmp_path / "c.json", ads={"replica_rps_low": 1.0, "confidence": "high"})
    with pytest.raises(SettingsError, match="expected one of: ads"):
        measured_capacity(CapacitySettings(file=file, services={"Deployment/x/a": "adds"}))
