"""The machine's clock."""

from datetime import UTC

from autoscale.control.clock import SystemClock


def test_both_clocks_go_forward_and_the_time_is_aware() -> None:
    """A naive time would be compared with promotions in the wrong zone."""
    clock = SystemClock()
    first, began = clock.now(), clock.monotonic()
    assert first.tzinfo is UTC
    assert clock.monotonic() >= began
