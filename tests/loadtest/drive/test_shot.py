"""A shot: filled in from its kind, sent again under the same key, ended by whoever owns it."""

import numpy as np

from loadtest.drive.cells import Cell
from loadtest.drive.kinds import Moments, canary_ids, kinds_of
from loadtest.drive.shot import Shot
from tests.loadtest.drive.plans import GET, loaded_of, plan_of
from tests.loadtest.drive.test_document import ORDER


class Ender:
    def __init__(self, error=None):
        self.ends, self.failed, self.error = [], [], error

    def ended(self, shot, failure):
        if self.error:
            raise self.error
        self.ends.append((shot, failure))

    def fail(self, error):
        self.failed.append(error)


def shot_of(request, ender=None):
    loaded = loaded_of(plan_of(requests=[request]))
    shot = Shot(kinds_of(loaded)[0], Cell(), deadline_ns=5, ender=ender or Ender())
    if not shot.payload:
        moments = Moments(loaded, worker=0, workers=1, rng=np.random.default_rng(1))
        shot.dress(moments, canary_ids(loaded.plan), epoch_ms=1)
    return shot


def test_an_order_is_sent_again_as_it_was():
    """Same bytes, key and number; one attempt more and a new deadline."""
    first = shot_of(ORDER)
    first.n, first.intended_ns, first.first_sent_ns = 4, 100, 200
    again = first.again(9)
    assert again.payload == first.payload
    assert first.key.encode() in again.payload
    assert (again.key, again.order_body, again.n) == (first.key, b"{}", 4)
    assert (again.intended_ns, again.first_sent_ns) == (100, 200)
    assert (again.attempt, again.deadline_ns, again.done) == (2, 9, False)


def test_a_canary_and_a_beacon_are_on_the_row():
    """What was planted is what the row says."""
    request = {**GET, "path": "/a?c=${canary.email}", "headers": {"Isthmus-Beacon": "${beacon}"}}
    shot = shot_of(request)
    shot.status, shot.served = 200, b"public/ad-1"
    row = shot.row("ok", n=8, latency_us=1, late_us=2)
    assert row.canary > 0
    assert row.beacon.encode() in shot.payload
    assert (row.n, row.kind, row.status, row.served) == (8, "ads", 200, "public/ad-1")


def test_a_constant_request_needs_no_dressing():
    """Its bytes are those of its kind."""
    shot = shot_of(GET)
    assert shot.payload == shot.kind.compiled.constant


def test_the_ender_is_told_once_and_an_error_of_it_ends_the_run():
    """The loop would swallow an exception, and the run wait for ever."""
    ender, broken = Ender(), Ender(OSError("disk full"))
    shot = shot_of(GET, ender)
    shot.end("")
    shot.end("timeout")
    assert ender.ends == [(shot, "")]
    shot_of(GET, broken).end("")
    assert [str(error) for error in broken.failed] == ["disk full"]
