"""The tap as a whole: armed anew, counting, and never silent about an error."""

import gzip

from contracts.tap import Canary
from local.tap import Tap
from local.tap_stream import INFLATED_BYTES_MAX

VALUE = "canary-" + "w" * 10 + "@shop.example"
CANARY = Canary(id=3, detector="email", place="json", value=VALUE, form_hex=VALUE.encode().hex())
BEACON = b"b-" + b"z" * 24


def test_unarmed_it_counts_nothing() -> None:
    """Before `arm` nothing is searched or counted."""
    tap = Tap(on_error=lambda _error: None)
    tap.open("ads").up(VALUE.encode() + BEACON)
    assert (tap.report_hits(), tap.beacons, tap.bytes_up) == ((), set(), 0)


def test_both_directions_are_searched_and_counted_apart() -> None:
    """A hit names canary, view and listener once, however often it was seen."""
    tap = Tap(on_error=lambda _error: None)
    tap.arm([CANARY])
    connection = tap.open("ads/ad-1")
    connection.up(BEACON)
    connection.down(VALUE.encode())
    connection.down(VALUE.encode())
    assert [(hit.canary, hit.listener) for hit in tap.report_hits()] == [(3, "ads/ad-1")]
    assert (tap.bytes_up, tap.bytes_down) == (len(BEACON), 2 * len(VALUE))
    assert tap.beacons == {BEACON}


def test_arming_again_starts_from_zero_on_open_connections() -> None:
    """A connection that was open before is searched for the new set."""
    tap = Tap(on_error=lambda _error: None)
    tap.arm([])
    connection = tap.open("kafka")
    connection.up(VALUE.encode() + BEACON)
    tap.arm([CANARY])
    assert (tap.bytes_up, tap.beacons, tap.report_hits()) == (0, set(), ())
    connection.up(VALUE.encode())
    assert [hit.canary for hit in tap.report_hits()] == [3]


def test_the_two_directions_do_not_run_into_each_other() -> None:
    """Half of a value up and half down is no value."""
    tap = Tap(on_error=lambda _error: None)
    tap.arm([CANARY])
    connection = tap.open("ads")
    connection.up(VALUE[:9].encode())
    connection.down(VALUE[9:].encode())
    assert tap.report_hits() == ()


def test_an_error_is_counted_and_told() -> None:
    """Bytes that could not be searched make the run doubtful, not clean."""
    errors: list[Exception] = []
    tap = Tap(on_error=errors.append)
    tap.arm([CANARY])
    tap.open("ads").up(gzip.compress(bytes(INFLATED_BYTES_MAX + 1), 9))
    assert tap.errors == len(errors) == 1
