"""The only way to write."""

import pytest

from autoscale.control.lease import LeaseLostError
from autoscale.control.writer import WRITE_S, Writer
from autoscale.kube.ports import Answer, Ask, RefusedError, UnreachableError
from tests.autoscale.control.fake_api import FakeApi, status
from tests.autoscale.control.fake_shop import HPA, Held

PATCH = Ask(
    method="PATCH", path=HPA, body=b'{"spec":{"minReplicas":5}}', content="application/merge-patch+json"
)  # fmt: skip


def test_without_the_lease_nothing_is_sent() -> None:
    """The fence is asked before each write, also in the middle of a pass."""
    api, fence = FakeApi(), Held()
    api.put(HPA, {"kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": 4}})
    writer = Writer(api, fence)
    writer.send(PATCH)
    fence.left = 0
    with pytest.raises(LeaseLostError):
        writer.send(PATCH)
    with pytest.raises(LeaseLostError):
        writer.guard()
    assert len(api.writes) == 1


def test_no_write_lasts_longer_than_the_lease() -> None:
    """One that is under way when the lease ends ends with it."""
    asked: list[float] = []

    class Slow(FakeApi):
        def ask(self, ask: Ask, *, timeout_s: float) -> Answer:
            asked.append(timeout_s)
            raise UnreachableError("timed out")

    fence = Held()
    writer = Writer(Slow(), fence)
    for left in (0.7, 300.0):
        fence.left = left
        with pytest.raises(UnreachableError):
            writer.send(PATCH)
    assert asked == [0.7, WRITE_S]
    assert writer.written == {"unreachable": 2}
    assert not writer.exists(HPA)


def test_outcomes_are_counted() -> None:
    """By status, for the metrics."""
    api = FakeApi()
    writer = Writer(api, Held())
    with pytest.raises(RefusedError):
        writer.send(PATCH)
    api.before = lambda ask: status(429, "TooManyRequests", "later", after_s=3)
    with pytest.raises(RefusedError):
        writer.send(PATCH)
    api.before = lambda ask: None
    api.put(HPA, {"kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": 4}})
    writer.send(PATCH)
    assert writer.written == {"404": 1, "429": 1, "done": 1}
    assert writer.exists(HPA)
