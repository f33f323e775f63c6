"""Everything that is known from outside the API server, gathered behind one port."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from autoscale.control.clock import Clock
from autoscale.control.forecasts import Forecasts
from autoscale.control.look import Demand
from autoscale.control.prometheus import Prometheus
from autoscale.control.settings import AutoscaleSettings, CapacitySettings, SettingsError
from autoscale.forecast.fetch import History, from_prometheus
from autoscale.kube.ports import UnreachableError
from autoscale.plan.model import Forecast
from autoscale.targets.groups import GroupError, Groups
from autoscale.targets.pools import GroupSeen
from autoscale.verify.canary import Canaries
from contracts.capacity import Capacity
from contracts.promotion import Promotion


class LiveSources:
    """The real ones; `groups` are adapters of clouds by pool. Raises `SettingsError` for a capacity file."""

    def __init__(
        self, settings: AutoscaleSettings, clock: Clock, *, groups: Groups, canaries: Canaries
    ) -> None:
        self._settings = settings
        self._prometheus = Prometheus(settings.demand, clock) if settings.demand.url else None
        self._forecasts = Forecasts(self._history, clock) if settings.demand.forecast else None
        self._groups, self._canaries = groups, canaries
        self._capacity = measured_capacity(settings.capacity)

    def _history(self, key: str, until_s: int) -> History | None:
        query = "" if self._prometheus is None else self._prometheus.query_of(key)
        return from_prometheus(self._settings.demand.url, query, until_s=until_s) if query else None

    def start(self, stop: threading.Event) -> list[threading.Thread]:
        """Threads that ask, until `stop`."""
        runs: list[Callable[[], None]] = [
            lambda: self._groups.run(stop), lambda: self._canaries.run(stop),
        ]  # fmt: skip
        prometheus, forecasts = self._prometheus, self._forecasts
        if prometheus is not None:
            runs.append(lambda: prometheus.run(stop))
        if forecasts is not None:
            runs.append(lambda: forecasts.run(stop, self._settings.demand.forecast_every_s))
        threads = [threading.Thread(target=run, daemon=True) for run in runs]
        for thread in threads:
            thread.start()
        return threads

    def demand(self, windows: Mapping[str, float]) -> Mapping[str, Demand]:
        """See `controller.Sources`."""
        return {} if self._prometheus is None else self._prometheus.demand(windows)

    def groups(self) -> Mapping[str, GroupSeen]:
        """See `controller.Sources`."""
        return self._groups.seen()

    def set_minimum(self, pool: str, minimum: int) -> None:
        """See `controller.Sources`. Raises `UnreachableError` when the cloud does not take it."""
        try:
            self._groups.set_minimum(pool, minimum)
        except GroupError as error:
            raise UnreachableError(str(error)) from error

    def capacity(self) -> Mapping[str, float]:
        """See `controller.Sources`."""
        return self._capacity

    def forecasts(self, promotions: Sequence[Promotion]) -> Iterable[Forecast]:
        """See `controller.Sources`."""
        return () if self._forecasts is None else self._forecasts.current(promotions)

    def canary(self, keys: Iterable[str]) -> Mapping[str, str]:
        """See `controller.Sources`."""
        return self._canaries.failing(keys)


def measured_capacity(settings: CapacitySettings) -> dict[str, float]:
    """Requests per second of a replica, by workload: the lower bound of what was measured. Raises `SettingsError`."""
    if not settings.file:
        return {}
    try:
        found = msgspec.json.decode(Path(settings.file).read_bytes(), type=Capacity)
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsError(
            f"{settings.file}: {error}; expected a capacity.json. fix: write one with isthmus load gate"
        ) from error
    capacity: dict[str, float] = {}
    for key, service in settings.services.items():
        said = found.services.get(service)
        if said is None:
            known = ", ".join(sorted(found.services)) or "none"
            raise SettingsError(
                f"{settings.file}: no service {service!r} for {key}; expected one of: {known}. fix: correct the name"
            )
        if said.confidence != "none" and said.replica_rps_low > 0:
            capacity[key] = said.replica_rps_low
    return capacity
