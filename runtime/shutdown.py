"""SIGTERM and SIGINT become an event that loops wait for; a second signal is left to its default."""

import asyncio
import signal


def stop_event(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """An event set at the first SIGTERM or SIGINT of this process."""
    stop = asyncio.Event()

    def on_signal(signum: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(signum)

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, on_signal, signum)
    return stop
