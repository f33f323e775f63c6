import asyncio
import time

from loadtest.pace import InstantAlarm, InstantTimer


async def test_a_wait_never_ends_early():
    """Waits of a fraction of a millisecond end at or after their instant, in order."""
    timer = InstantTimer(asyncio.get_running_loop())
    try:
        for step_us in (0, 50, 300, 900, 1500, 4000):
            instant_ns = time.monotonic_ns() + step_us * 1000
            await timer.wait_until(instant_ns)
            assert time.monotonic_ns() >= instant_ns
    finally:
        timer.close()


async def test_a_wait_can_be_ended():
    """Waking ends a wait for an instant that is hours away."""
    loop = asyncio.get_running_loop()
    timer = InstantTimer(loop)
    try:
        async with asyncio.timeout(10):
            loop.call_soon(timer.wake)
            await timer.wait_until(time.monotonic_ns() + 10**13)
    finally:
        timer.close()


async def test_waking_nobody_is_harmless():
    """A wake without a waiter does not end the next wait."""
    timer = InstantTimer(asyncio.get_running_loop())
    try:
        timer.wake()
        instant_ns = time.monotonic_ns() + 2_000_000
        await timer.wait_until(instant_ns)
        assert time.monotonic_ns() >= instant_ns
    finally:
        timer.close()


async def test_an_alarm_calls_at_its_instant_and_can_be_moved():
    """Only the instant set last counts; one in the past is at once."""
    loop = asyncio.get_running_loop()
    rang = asyncio.Event()
    alarm = InstantAlarm(loop, rang.set)
    try:
        alarm.arm(time.monotonic_ns() + 10**13)
        instant_ns = time.monotonic_ns() + 2_000_000
        alarm.arm(instant_ns)
        async with asyncio.timeout(10):
            await rang.wait()
            assert time.monotonic_ns() >= instant_ns
            rang.clear()
            alarm.arm(1)
            await rang.wait()
    finally:
        alarm.close()
