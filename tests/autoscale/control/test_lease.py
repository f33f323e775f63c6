"""Who writes: one at a time, whatever dies, and nobody by comparing clocks."""

import pytest

from autoscale.control.lease import Lease, LeaseLostError, Seat
from autoscale.control.settings import LeaseTerms
from autoscale.kube.ports import Answer, Ask, UnreachableError
from tests.autoscale.control.fake_api import FakeApi, status
from tests.autoscale.control.fake_shop import FakeClock

PATH = "/apis/coordination.k8s.io/v1/namespaces/isthmus/leases/autoscale"
TERMS = LeaseTerms()


class Two:
    """Two replicas over one API server, each on a clock of its own."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.clocks = FakeClock(), FakeClock()
        # hours apart by the time of day, and by what they count: neither may matter
        self.clocks[1].jump(7200)
        self.clocks[1].mono = 5.0
        self.one, self.two = (
            Lease(self.api, Seat(namespace="isthmus", name="autoscale", identity=name), clock=clock, terms=TERMS)
            for name, clock in zip(("one", "two"), self.clocks, strict=True)
        )  # fmt: skip

    def advance(self, seconds: float) -> None:
        for clock in self.clocks:
            clock.advance(seconds)


def steps_until_lost(two: Two, most: int) -> int:
    """How many steps the first makes until it gives up; 0 when it does not."""
    for step in range(1, most + 1):
        two.advance(TERMS.retry_s)
        try:
            two.one.step()
        except LeaseLostError:
            return step
    return 0


def test_the_first_takes_it_and_the_second_waits() -> None:
    """As long as it is renewed, for any time."""
    two = Two()
    two.one.step()
    for _ in range(100):
        two.two.step()
        assert two.one.holds
        assert not two.two.holds
        two.advance(TERMS.retry_s)
        two.one.step()


def test_a_dead_holder_is_replaced_within_five_seconds_and_never_sooner_than_it_gave_up() -> None:
    """By the second's own clock since it last saw a change; the times in the record are not believed."""
    two = Two()
    two.one.step()
    waited = 0.0
    while not two.two.holds:
        assert not (two.one.holds and two.two.holds)
        two.advance(TERMS.retry_s)
        waited += TERMS.retry_s
        two.two.step()
    assert not two.one.holds
    assert waited <= 5.0
    assert two.api.get(PATH)["spec"]["holderIdentity"] == "two"
    with pytest.raises(LeaseLostError):
        two.one.step()


def test_a_holder_that_lets_go_is_followed_at_once() -> None:
    """A roll-out waits for nobody."""
    two = Two()
    two.one.step()
    two.one.release()
    assert not two.one.holds
    two.two.step()
    assert two.two.holds
    assert two.api.get(PATH)["spec"]["leaseTransitions"] == 2


def test_a_holder_that_cannot_renew_gives_up_before_anybody_else_takes_over() -> None:
    """The API server is gone: within its own term it must end, and its fence closes first."""
    two = Two()
    two.one.step()
    two.two.step()
    real = two.api.ask

    def gone(ask: Ask, *, timeout_s: float) -> Answer:
        raise UnreachableError("no route")

    two.api.ask = gone  # type: ignore[method-assign]
    assert steps_until_lost(two, 20)
    assert two.one.left_s() <= 0
    two.api.ask = real  # type: ignore[method-assign]
    assert two.clocks[0].mono - 1000.0 < TERMS.duration_s


def test_a_failed_renewal_is_tried_again_within_the_term() -> None:
    """One 500 loses nothing."""
    two = Two()
    two.one.step()
    two.api.before = lambda ask: status(500, "InternalError", "no")
    two.advance(1.0)
    two.one.step()
    two.api.before = lambda ask: None
    two.advance(1.0)
    two.one.step()
    assert two.one.left_s() == TERMS.renew_s


def test_of_two_that_take_over_at_once_one_wins() -> None:
    """Optimistic locking decides; the other one looks again and waits."""
    two = Two()
    lost = Lease(
        two.api, Seat(namespace="isthmus", name="autoscale", identity="dead"), clock=two.clocks[0], terms=TERMS
    )  # fmt: skip
    lost.step()
    two.one.step()
    two.two.step()
    two.advance(TERMS.duration_s)
    real, racing = two.api._update, list[bool]()

    def update(path: str, item: dict[str, object]) -> dict[str, object]:
        if not racing:
            racing.append(True)
            two.two.step()
        return real(path, item)

    two.api._update = update  # type: ignore[method-assign]
    two.one.step()
    assert two.two.holds
    assert not two.one.holds
    two.one.step()
    assert not two.one.holds


def test_a_lease_deleted_by_hand_is_made_again() -> None:
    """The holder notices at its next renewal and does not lose its turn."""
    two = Two()
    two.one.step()
    del two.api.objects[PATH]
    two.one.step()
    two.advance(0.4)
    two.one.step()
    assert two.one.holds
    assert two.api.get(PATH)["spec"]["holderIdentity"] == "one"


def test_a_lease_taken_by_force_ends_the_holder() -> None:
    """Somebody wrote another name: whatever time was left, nothing more is written."""
    two = Two()
    two.one.step()
    two.api.edit(PATH, lambda it: it["spec"].update(holderIdentity="somebody"))
    assert steps_until_lost(two, 2)
    assert not two.one.holds


def test_an_answer_that_cannot_be_read_is_no_answer() -> None:
    """A proxy's page with 200: nobody holds it by that, the thread that asks goes on, and a holder gives up in time."""
    two = Two()
    two.api.before = lambda _ask: Answer(status=200, body=b"<html>")
    two.one.step()
    assert not two.one.holds
    two.api.before = lambda _ask: None
    two.advance(TERMS.retry_s)
    two.one.step()
    assert two.one.holds
    two.api.before = lambda _ask: Answer(status=200, body=b"<html>")
    assert steps_until_lost(two, 20) == 7
