"""Twin of local/relay_lane.py: a real loop, short delays, order kept."""

import asyncio
import random

from local.relay_lane import LANE_BYTES_MAX, Lane
from local.relay_rules import Shaper, Way

LIMIT_S = 5


class Out:
    """Where a lane leads."""

    def __init__(self) -> None:
        self.data = b""
        self.levels = 0
        self.ended = asyncio.Event()
        self.lane = Lane(self.take, self.level, shaper=lambda: Shaper(random.Random(1)))

    def take(self, data: bytes) -> None:
        assert not self.ended.is_set()
        self.data += data

    def level(self) -> None:
        self.levels += 1


async def test_without_terms_bytes_pass_at_once() -> None:
    """No timer, no copy: what comes goes."""
    out = Out()
    out.lane.send(b"one")
    assert out.data == b"one"
    out.lane.finish(out.ended.set)
    assert out.ended.is_set()


async def test_late_bytes_stay_in_order_and_the_end_comes_last() -> None:
    """Terms that end do not let later bytes overtake earlier ones; the end waits for all of them."""
    out = Out()
    out.lane.way = Way(delay_s=0.05, jitter_s=0.02)
    began_s = asyncio.get_running_loop().time()
    out.lane.send(b"first ")
    out.lane.way = Way()
    out.lane.send(b"second")
    assert out.data == b""
    out.lane.finish(out.ended.set)
    await asyncio.wait_for(out.ended.wait(), LIMIT_S)
    assert out.data == b"first second"
    # one loop's clock counts whole milliseconds: their difference, without what a float adds
    assert round(asyncio.get_running_loop().time() - began_s, 3) >= 0.05


async def test_a_rate_makes_its_sender_wait() -> None:
    """What does not fit on the way fills the lane; once it drains the sender is told."""
    out = Out()
    out.lane.way = Way(rate_bytes_s=4 * LANE_BYTES_MAX)
    out.lane.send(b"x" * (LANE_BYTES_MAX + 1))
    assert out.lane.is_full
    told = out.levels
    out.lane.finish(out.ended.set)
    await asyncio.wait_for(out.ended.wait(), LIMIT_S)
    assert not out.lane.is_full
    assert out.levels > told
    assert len(out.data) == LANE_BYTES_MAX + 1


async def test_an_abandoned_lane_says_nothing_more() -> None:
    """Neither bytes nor the end arrive afterwards."""
    out = Out()
    out.lane.way = Way(delay_s=0.02)
    out.lane.send(b"gone")
    out.lane.finish(out.ended.set)
    out.lane.abandon()
    await asyncio.sleep(0.05)
    assert (out.data, out.ended.is_set()) == (b"", False)
