"""Whatever happens in whatever order: in the end nothing is ours, and the floor is the baseline or a person's own."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoscale.control.work import FORCE
from autoscale.kube.ports import Answer, Ask
from tests.autoscale.control.fake_api import status
from tests.autoscale.control.fake_shop import HOLD, HPA, PROMO, Shop

FAULTS = (
    status(409, "Conflict", "modified"), status(429, "TooManyRequests", "later", after_s=3),
    status(500, "InternalError", "no"), status(503, "ServiceUnavailable", "no"),
)  # fmt: skip
HAPPENS = st.sampled_from(
    ["nothing", "nothing", "nothing", "restart", "faults", "calm", "busy", "quiet", "blind", "delete", "force",
     "jump", "promote", "edit"]
)  # fmt: skip


class Storm:
    """A shop to which things happen."""

    def __init__(self, seed: int) -> None:
        self.shop, self.chance = Shop(), random.Random(seed)
        self.loop = self.shop.controller(restore_s=300)
        self.edited = self.faulty = False
        self.made = 0
        self.shop.api.before = self.before
        self.promote()

    def before(self, ask: Ask) -> Answer | None:
        if ask.method == "GET" or not self.faulty or self.chance.random() > 0.3:
            return None
        return self.chance.choice(FAULTS)

    def promote(self) -> None:
        if self.made < 4:
            self.made += 1
            policy = self.chance.choice(["Yield", "Force"])
            self.shop.promote(
                f"p{self.made}", start_s=300, last_s=600, lead="10m", conflictPolicy=policy
            )

    def paths(self) -> list[str]:
        return [path for path in self.shop.api.objects if path.startswith(PROMO.rpartition("/")[0])]

    def happen(self, what: str) -> None:
        paths = self.paths()
        match what:
            case "restart":
                self.loop = self.shop.controller(restore_s=300)
            case "faults" | "calm":
                self.faulty = what == "faults"
            case "busy" | "quiet":
                self.shop.demand(900 if what == "busy" else 50)
            case "blind":
                self.shop.sources.rps = {}
            case "delete" if paths:
                self.delete(self.chance.choice(paths))
            case "force" if paths:
                self.shop.api.edit(
                    self.chance.choice(paths),
                    lambda it: it["metadata"].update(annotations={FORCE: "true"}),
                )
            case "jump":
                self.shop.clock.jump(self.chance.choice([-120, 240]))
            case "promote":
                self.promote()
            case "edit":
                self.edited = True
                self.shop.api.edit(
                    HPA, lambda it: it["spec"].update(minReplicas=7), manager="kubectl-edit"
                )
            case _:
                pass

    def delete(self, path: str) -> None:
        with self.shop.api.changed:
            self.shop.api._delete(path, {})

    def end(self) -> None:
        """Calm, quiet, and every promotion deleted."""
        self.faulty = False
        self.shop.demand(50)
        for path in self.paths():
            self.delete(path)
        self.loop = self.shop.controller(restore_s=300)
        self.loop.during(900, step_s=30)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.integers(0, 10_000), st.lists(HAPPENS, min_size=10, max_size=25))
def test_in_the_end_nothing_is_ours(seed: int, happened: list[str]) -> None:
    """Restarts, refusals, hands, deletions, jumps, blindness: no promotion stays, no node is held, no floor is ours."""
    storm = Storm(seed)
    shop = storm.shop
    for what in happened:
        storm.happen(what)
        storm.loop.during(60, step_s=30)
    storm.end()
    assert storm.paths() == []
    assert HOLD not in shop.api.objects
    assert shop.nodes == 3
    book = shop.api.get(HPA)["metadata"]["managedFields"]
    assert [
        one for one in book if (one["manager"], one["operation"]) == ("isthmus-autoscale", "Apply")
    ] == []
    assert shop.floor == 4 or (storm.edited and shop.floor == 7)
    assert shop.api.get(HPA)["spec"]["maxReplicas"] == 20
    assert storm.loop.once() == 0
