"""Twin of chaos/clock.py."""

import time

from chaos.clock import SystemClock


def test_the_system_clock_is_the_load_generators_clock() -> None:
    """Monotonic time is CLOCK_MONOTONIC, so faults and requests share one axis; sleeping lets it pass."""
    clock = SystemClock()
    before_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    clock.sleep(0.002)
    assert before_ns + 2_000_000 <= clock.mono_ns() <= time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    assert abs(clock.wall_s() - time.time()) < 5
