"""A shop on the fake API server: what its controllers would do, in steps of a clock that the test moves."""

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from autoscale.control.controller import Controller, Duties
from autoscale.control.look import Demand, Terms
from autoscale.control.view import View
from autoscale.control.writer import Writer
from autoscale.plan.model import Timing
from autoscale.targets.holders import Shape
from autoscale.targets.pools import GroupSeen, PoolTerms
from tests.autoscale.control.fake_api import FakeApi

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
NAMESPACE = "isthmus"
HPA = "/apis/autoscaling/v2/namespaces/ads/horizontalpodautoscalers/ad-service"
DEPLOYMENT = "/apis/apps/v1/namespaces/ads/deployments/ad-service"
HOLD = "/apis/apps/v1/namespaces/isthmus/deployments/isthmus-hold-ads"
PROMO = "/apis/isthmus.dev/v1alpha1/namespaces/ads/promotions/sale"
KEY = "HorizontalPodAutoscaler/ads/ad-service"


class FakeClock:
    """Both clocks; `jump` moves the time of day only."""

    def __init__(self) -> None:
        self.at, self.mono = NOON - timedelta(hours=2), 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.mono

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.mono += seconds

    def jump(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Held:
    """A lease that is held as long as the test says."""

    def __init__(self) -> None:
        self.left = 60.0

    def left_s(self) -> float:
        return self.left


class FakeSources:
    """Demand and the rest, as the test sets them."""

    def __init__(self) -> None:
        self.rps: dict[str, Demand] = {}
        self.seen_groups: dict[str, GroupSeen] = {}
        self.minimums: list[tuple[str, int]] = []
        self.capacities: dict[str, float] = {}
        self.failing: dict[str, str] = {}

    def demand(self, windows: Mapping[str, float]) -> Mapping[str, Demand]:
        return self.rps

    def groups(self) -> Mapping[str, GroupSeen]:
        return self.seen_groups

    def set_minimum(self, pool: str, minimum: int) -> None:
        self.minimums.append((pool, minimum))
        group = self.seen_groups[pool]
        self.seen_groups[pool] = GroupSeen(minimum=minimum, maximum=group.maximum)

    def capacity(self) -> Mapping[str, float]:
        return self.capacities

    def forecasts(self, promotions: Any) -> Iterable[Any]:
        return ()

    def canary(self, keys: Iterable[str]) -> Mapping[str, str]:
        return self.failing


class Shop:
    """The cluster: 3 ad nodes, 4 ad replicas under an HPA of 4 to 20, and whatever controllers do about them."""

    def __init__(self, *, nodes: int = 3, nodes_max: int = 10) -> None:
        self.clock = FakeClock()
        self.api = FakeApi(self.clock.now)
        self.sources, self.fence = FakeSources(), Held()
        self.nodes_max = nodes_max
        self.live = 4
        for number in range(nodes):
            self.add_node(number)
        self.workload("ad-service")
        self.demand(100.0)

    def add_node(self, number: int) -> None:
        self.api.put(
            f"/api/v1/nodes/ads-{number}",
            {
                "kind": "Node",
                "metadata": {"labels": {"isthmus.dev/pool": "ads", "isthmus.dev/class": "public"}},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            },
        )

    def workload(
        self, name: str, *, manager: str = "kubectl-create", low: int = 4, high: int = 20
    ) -> None:
        self.api.put(
            DEPLOYMENT.replace("ad-service", name),
            {
                "kind": "Deployment",
                "spec": {"replicas": low, "template": {"metadata": {"labels": {"app": name}}}},
                "status": {"replicas": low, "readyReplicas": low},
            },
        )
        self.api.put(
            HPA.replace("ad-service", name),
            {
                "kind": "HorizontalPodAutoscaler",
                "spec": {
                    "minReplicas": low,
                    "maxReplicas": high,
                    "scaleTargetRef": {"kind": "Deployment", "name": name},
                },
                "status": {"currentReplicas": low, "desiredReplicas": low},
            },
            manager=manager,
        )

    def demand(self, now: float, high: float | None = None) -> None:
        self.sources.rps = {KEY: Demand(now, now if high is None else high)}

    def promote(
        self, name: str = "sale", *, start_s: float = 1800, last_s: float = 1800, **spec: Any
    ) -> str:
        start = self.clock.now() + timedelta(seconds=start_s)
        path = PROMO.replace("sale", name)
        self.api.put(
            path,
            {
                "apiVersion": "isthmus.dev/v1alpha1",
                "kind": "Promotion",
                "spec": {
                    "start": start.isoformat(),
                    "end": (start + timedelta(seconds=last_s)).isoformat(),
                    "mode": "Auto",
                    "lead": "20m",
                    "workloads": [
                        {
                            "name": "ads",
                            "ref": {"name": "ad-service"},
                            "expectedPeak": 1000.0,
                            "capacityPerReplica": 100.0,
                            "pool": "ads",
                        }
                    ],
                    "nodes": [{"pool": "ads", "add": 3}],
                    "release": {"for": "2m", "every": "1m", "maxHold": "1h", "step": "50%"},
                }
                | spec,
            },
        )
        return path

    def controller(
        self, *, restore_s: float = 600, observe_only: bool = False, **pools: PoolTerms
    ) -> "Loop":
        view = View(
            self.api, changed=lambda: None, clock=self.clock, chance=random.Random(1),
            buffer_version="v1beta1" if self.api.served else "",
        )  # fmt: skip
        duties = Duties(
            terms=Terms(namespace=NAMESPACE, pools=pools or {"ads": PoolTerms(maximum=self.nodes_max)}),
            timing=Timing(node_s={"ads": 120}, pod_s={KEY: 30}, verify_s=60, safety_s=60), restore_s=restore_s,
            observe_only=observe_only, shape=lambda _pool: Shape(namespace=NAMESPACE, image="pause"),
        )  # fmt: skip
        writer = Writer(self.api, self.fence)
        return Loop(
            self, view, Controller(view, writer, self.sources, clock=self.clock, duties=duties)
        )

    def run_others(self) -> None:
        """The HPA, the Deployment and the node autoscaler, all at once."""
        for path, hpa in list(self.api.objects.items()):
            if hpa.get("kind") == "HorizontalPodAutoscaler":
                low, high = hpa["spec"]["minReplicas"], hpa["spec"]["maxReplicas"]
                wanted = max(low, min(high, self.live))
                place = DEPLOYMENT.replace("ad-service", path.rpartition("/")[2])
                self.api.edit(
                    path,
                    lambda it, n=wanted: it["status"].update(desiredReplicas=n, currentReplicas=n),
                    manager="kube-controller-manager",
                    sub="status",
                )
                self.api.edit(
                    place,
                    lambda it, n=wanted: it["spec"].update(replicas=n),
                    manager="kube-controller-manager",
                    sub="scale",
                )
                self.api.edit(
                    place,
                    lambda it, n=wanted: it["status"].update(replicas=n, readyReplicas=n),
                    manager="kube-controller-manager",
                    sub="status",
                )
        held = self.api.objects.get(HOLD, {}).get("spec", {}).get("replicas", 0)
        wanted = max(3, min(held, self.nodes_max))
        names = [path for path in self.api.objects if path.startswith("/api/v1/nodes/")]
        for number in range(len(names), wanted):
            self.add_node(number)
        for path in names[wanted:]:
            self.api._delete(path, {})

    @property
    def nodes(self) -> int:
        return sum(path.startswith("/api/v1/nodes/") for path in self.api.objects)

    @property
    def floor(self) -> int:
        return self.api.get(HPA)["spec"]["minReplicas"]


class Loop:
    """One replica's controller over freshly listed caches."""

    def __init__(self, shop: Shop, view: View, controller: Controller) -> None:
        self.shop, self.view, self.controller = shop, view, controller

    def once(self) -> int:
        """One pass; the writes it made."""
        self.view.fill()
        before = len(self.shop.api.writes)
        self.controller.run_once()
        return len(self.shop.api.writes) - before

    def settle(self, passes: int = 12) -> None:
        """Passes at one moment until nothing is written any more."""
        for _ in range(passes):
            if not self.once():
                return
        raise AssertionError("it never comes to rest")

    def during(self, seconds: float, *, step_s: float = 20) -> None:
        """The clock goes on, everybody acts."""
        for _ in range(round(seconds / step_s)):
            self.shop.clock.advance(step_s)
            self.shop.run_others()
            self.once()
