"""Everything that is known from outside the API server, gathered behind one port."""

import threading
from collections.abc import Iterable, Mapping

from autoscale.control.clock import Clock
from autoscale.control.look import Demand
from autoscale.control.prometheus import Prometheus
from autoscale.control.settings import AutoscaleSettings
from autoscale.kube.ports import UnreachableError
from autoscale.plan.model import Forecast
from autoscale.targets.groups import GroupError, Groups
from autoscale.targets.pools import GroupSeen
from autoscale.verify.canary import Canaries


class LiveSources:
    """The real ones; `groups` are adapters of clouds by pool."""

    def __init__(
        self, settings: AutoscaleSettings, clock: Clock, *, groups: Groups, canaries: Canaries
    ) -> None:
        self._prometheus = Prometheus(settings.demand, clock) if settings.demand.url else None
        self._groups, self._canaries = groups, canaries

    def start(self, stop: threading.Event) -> list[threading.Thread]:
        """Threads that ask, until `stop`."""
        runs = [self._groups.run, self._canaries.run]
        if self._prometheus is not None:
            runs.append(self._prometheus.run)
        threads = [threading.Thread(target=run, args=(stop,), daemon=True) for run in runs]
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
        return {}

    def forecasts(self) -> Iterable[Forecast]:
        """See `controller.Sources`."""
        return ()

    def canary(self, keys: Iterable[str]) -> Mapping[str, str]:
        """See `controller.Sources`."""
        return self._canaries.failing(keys)
