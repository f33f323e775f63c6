"""Waking at an instant: a kernel timer (timerfd), because the loop's own timers round to a millisecond.

Rounding up would put half a millisecond on every latency, rounding down would spin a core.
"""

import asyncio
import ctypes
import os
from collections.abc import Callable
from typing import cast

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1


class _TimerSpec(ctypes.Structure):
    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


_libc = ctypes.CDLL(None, use_errno=True)


class InstantAlarm:
    """Calls `on_expiry` in the loop at the instant last set with `arm`; `close` frees the descriptor."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_expiry: Callable[[], None]) -> None:
        self._loop = loop
        self._call = on_expiry
        # The same numbers as O_NONBLOCK and O_CLOEXEC, by the kernel's own definition of TFD_*.
        self._fd = cast("int", _libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        loop.add_reader(self._fd, self._on_expiry)

    def arm(self, mono_ns: int) -> None:
        """Set the next instant; one that was set before no longer counts. An instant past is at once."""
        spec = _TimerSpec(0, 0, *divmod(max(1, mono_ns), 10**9))
        if _libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(spec), None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """Give the descriptor back."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _on_expiry(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        self._call()


class InstantTimer:
    """Waits for instants of CLOCK_MONOTONIC, one at a time; `close` frees the descriptor."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self._alarm = InstantAlarm(loop, self.wake)

    async def wait_until(self, mono_ns: int) -> None:
        """Return at `mono_ns` or at `wake`, whichever comes first."""
        self._alarm.arm(mono_ns)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def wake(self) -> None:
        """End a wait now."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Give the descriptor back."""
        self._alarm.close()
