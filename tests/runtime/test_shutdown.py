"""Twin of runtime/shutdown.py."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.shutdown import stop_event

ROOT = Path(__file__).parents[2]
STUBBORN = """
import asyncio
from runtime.shutdown import stop_event

async def main():
    stop = stop_event(asyncio.get_running_loop())
    print("up", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_signal_sets_the_event(signum: signal.Signals) -> None:
    """Waiting loops are told; nothing else happens."""
    loop = asyncio.get_running_loop()
    stop = stop_event(loop)
    assert not stop.is_set()
    os.kill(os.getpid(), signum)
    await asyncio.wait_for(stop.wait(), 5)
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(each)


def test_a_second_signal_ends_a_process_that_hangs_in_its_drain() -> None:
    """SIGTERM twice: the second one has its default effect."""
    argv = [sys.executable, "-c", STUBBORN]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == -signal.SIGTERM
