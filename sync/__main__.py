"""`python -m sync --settings FILE`: run one link until SIGTERM or SIGINT; exit 0 when it ended cleanly."""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from contracts.control import ControlReply, ControlRequest
from policy.problems import PolicyError
from runtime.control import refuse, reply_with, serve_control
from runtime.logs import set_up_logs
from runtime.ready import write_ready
from runtime.shutdown import stop_event
from sync.bridge import Bridge
from sync.settings import BridgePlan, SettingsError, load_plan

READY_POLL_S = 0.02
_log = structlog.stdlib.get_logger("sync")


def parse(argv: Sequence[str]) -> Path:
    """The settings file named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m sync", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="BridgeSettings as JSON")
    return parser.parse_args(argv).settings


async def serve(plan: BridgePlan) -> bool:
    """Run the link; true when every batch in flight ended before the process does."""
    settings, stop = plan.settings, stop_event(asyncio.get_running_loop())
    bridge = Bridge(plan)
    if settings.disable:
        _log.warning("bridge.mechanism_disabled", disabled=settings.disable)

    async def answer(request: ControlRequest) -> ControlReply:
        if request.op == "stats":
            return reply_with(bridge.status())
        return refuse(f"{request.op}: expected ping or stats")

    async with serve_control(Path(settings.control), answer):
        bridge.start()
        while not bridge.running and not await _within(stop, READY_POLL_S):
            pass
        if not stop.is_set():
            write_ready(Path(settings.ready), settings.name, {"control": settings.control})
            _log.info("bridge.ready", link=settings.link)
        await stop.wait()
        return await asyncio.to_thread(bridge.stop)


async def _within(event: asyncio.Event, timeout_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
    return event.is_set()


def main(argv: Sequence[str]) -> int:
    """Exit code: 0 ended as asked, 2 settings, policy or topology cannot be used."""
    set_up_logs("bridge")
    path = parse(argv)
    try:
        plan = load_plan(path)
    except (SettingsError, PolicyError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        clean = asyncio.run(serve(plan))
    except OSError as error:
        places = f"control {plan.settings.control}, ready {plan.settings.ready}"
        sys.stderr.write(
            f"{path}: {error}; expected writable paths, a socket's of at most 107 bytes; fix: correct {places}\n"
        )
        return 2
    _log.info("bridge.stopped", clean=clean)
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # A client library's thread may still wait for a broker that is gone; nothing it holds is uncommitted.
    os._exit(code)
