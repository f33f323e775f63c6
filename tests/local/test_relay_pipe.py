"""A pipe between two sides: who is read from, and how ends travel (every state × event)."""

import random

import pytest

from local.relay_pipe import Half, Pipe
from local.relay_rules import Shaper, Terms, Way
from local.tap import Tap


class Side:
    """What a pipe does to one transport."""

    def __init__(self) -> None:
        self.reading = True
        self.written = b""
        self.eof = self.closed = self.aborted = False

    def set_write_buffer_limits(self, high: int) -> None:
        assert high > 0

    def get_extra_info(self, _name: str) -> None:
        return None

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.eof = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class Bench:
    """A pipe with its two sides."""

    def __init__(self, *, connected: bool = True) -> None:
        self.gone: list[Pipe] = []
        tap = Tap(on_error=lambda _error: None)
        self.pipe = Pipe(
            tap.open("x"),
            on_client=lambda _pipe: None,
            on_gone=self.gone.append,
            shaper=lambda: Shaper(random.Random(1)),
        )
        self.client, self.target = Side(), Side()
        made(self.pipe.client, self.client)
        if connected:
            made(self.pipe.target, self.target)


def made(half: Half, side: Side) -> None:
    half.connection_made(side)  # type: ignore[arg-type]


def test_nobody_is_read_before_both_sides_are_there() -> None:
    """Bytes wait in the kernel until they have somewhere to go; early ones are held, none lost."""
    bench = Bench(connected=False)
    assert not bench.client.reading
    bench.pipe.client.data_received(b"early")
    made(bench.pipe.target, bench.target)
    assert bench.target.written == b"early"
    assert bench.client.reading


def test_an_early_end_is_passed_on_once_connected() -> None:
    """A client that sends and closes its half at once is served."""
    bench = Bench(connected=False)
    bench.pipe.client.data_received(b"all")
    assert bench.pipe.client.eof_received()
    made(bench.pipe.target, bench.target)
    assert (bench.target.written, bench.target.eof) == (b"all", True)


def test_a_slow_side_stops_the_other() -> None:
    """Back-pressure: full means the other side is not read, and only that one."""
    bench = Bench()
    bench.pipe.target.pause_writing()
    assert (bench.client.reading, bench.target.reading) == (False, True)
    bench.pipe.target.resume_writing()
    assert bench.client.reading


@pytest.mark.parametrize("full", [False, True])
def test_a_cut_stops_both_and_healing_respects_back_pressure(full: bool) -> None:  # noqa: FBT001
    """During a cut nobody is read; after it, whoever may be."""
    bench = Bench()
    if full:
        bench.pipe.target.pause_writing()
    bench.pipe.cut = True
    bench.pipe.set_reading()
    assert (bench.client.reading, bench.target.reading) == (False, False)
    bench.pipe.cut = False
    bench.pipe.set_reading()
    assert (bench.client.reading, bench.target.reading) == (not full, True)


def test_ends_travel_as_ends() -> None:
    """One end of file is passed on; the second closes both."""
    bench = Bench()
    assert bench.pipe.client.eof_received()
    assert bench.target.eof
    assert not bench.target.closed
    bench.pipe.target.eof_received()
    assert bench.target.closed
    assert bench.client.closed


@pytest.mark.parametrize("side", ["client", "target"])
@pytest.mark.parametrize("error", [None, ConnectionResetError()])
def test_a_lost_side_takes_the_other_with_it(side: str, error: Exception | None) -> None:
    """A close closes, a reset resets; the pipe is gone when both are."""
    bench = Bench()
    lost, other = (
        (bench.pipe.client, bench.target) if side == "client" else (bench.pipe.target, bench.client)
    )
    lost.connection_lost(error)
    assert (other.closed, other.aborted) == (error is None, error is not None)
    assert bench.gone == []
    other_half = bench.pipe.target if side == "client" else bench.pipe.client
    other_half.connection_lost(None)
    assert bench.gone == [bench.pipe]


def test_a_client_lost_while_connecting_resets_the_target() -> None:
    """A target that answers for nobody is let go at once."""
    bench = Bench(connected=False)
    bench.pipe.client.connection_lost(None)
    made(bench.pipe.target, bench.target)
    assert bench.target.aborted


def test_an_unreachable_target_resets_the_client() -> None:
    """Refusal is immediate."""
    bench = Bench(connected=False)
    bench.pipe.refuse()
    assert bench.client.aborted


def test_a_hole_stops_one_way_and_spares_the_other() -> None:
    """Bytes from the side behind the hole are not read; the other way flows; healing reads on."""
    bench = Bench()
    bench.pipe.set_terms(Terms(down=Way(hole=True)))
    assert (bench.client.reading, bench.target.reading) == (True, False)
    bench.pipe.set_terms(Terms())
    assert (bench.client.reading, bench.target.reading) == (True, True)


def test_reset_terms_end_both_sides_at_once() -> None:
    """Neither side is left waiting."""
    bench = Bench()
    bench.pipe.set_terms(Terms(reset=True))
    assert (bench.client.aborted, bench.target.aborted) == (True, True)
