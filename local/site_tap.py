"""The wire tap of a site: `python -m local.site_tap --settings FILE`, as root, on an interface of its namespace.

It captures every frame both ways, puts every TCP connection in order, and searches both directions as the relays'
taps do. Its control socket answers `ping`, `arm` (canary manifest `path`; counts start at zero), `seen` (a relay's
report, so that the same verdict reads it: `errors` sums every doubt) and `stats` (what the doubts are). On `site` it
sees what crosses between the sites, on `pods` all that goes into a pod, out of one, and between two.
"""

import argparse
import asyncio
import contextlib
import sys
import time
from pathlib import Path

import msgspec
import structlog
import uvloop

from contracts.control import ControlReply, ControlRequest
from contracts.tap import TapReport
from local.site_capture import Capture, CaptureError, enter
from local.site_tap_settings import SiteTapSettings, WireReport, read_spared
from local.tap import Tap
from local.tap_control import arm, write_beacons
from local.tap_flows import BEHIND_S, Doubts, Flows, Spared
from runtime.control import refuse, reply_with, serve_control
from runtime.logs import set_up_logs
from runtime.ready import write_ready
from runtime.shutdown import stop_event

FRAMES_A_TURN = 256
"""Then others of the loop get their turn: some milliseconds."""
SETTLE_S = 0.25
DRAIN_FRAMES_MAX = 1 << 20
"""More than a full buffer holds: a wire that never falls silent is not waited for."""
_log = structlog.stdlib.get_logger()


class SiteTap:
    """One capture and what is known of its connections."""

    def __init__(
        self, settings: SiteTapSettings, capture: Capture, spared: tuple[Spared, ...]
    ) -> None:
        self.settings, self.capture = settings, capture
        self.tap = Tap(on_error=lambda error: _log.error("tap.error", kind=type(error).__name__))
        self.flows = Flows(self.tap, place=settings.interface, spared=spared)
        self._before = (0, 0, 0)

    def read(self) -> None:
        """Take some of the frames that wait."""
        self._read(FRAMES_A_TURN)

    def _read(self, frames_max: int) -> int:
        now_s = time.monotonic()
        return self.capture.read(
            lambda frame: self.flows.frame(frame, now_s), frames_max=frames_max
        )

    def drain(self) -> None:
        """Take everything that was captured until now."""
        for _ in range(DRAIN_FRAMES_MAX // FRAMES_A_TURN):
            if self._read(FRAMES_A_TURN) < FRAMES_A_TURN:
                break
        self.capture.count_drops()

    async def keep_house(self) -> None:
        """Decide what had its time, until cancelled."""
        while True:
            await asyncio.sleep(SETTLE_S)
            self.drain()  # what waits unread is not missing
            self.flows.settle(time.monotonic())

    async def decided(self) -> None:
        """Everything captured until now is read and nothing of it is undecided."""
        self.drain()
        deadline_s = time.monotonic() + 4 * BEHIND_S
        while not self.flows.settle(time.monotonic()) and time.monotonic() < deadline_s:
            await asyncio.sleep(BEHIND_S / 4)
            self.drain()

    def doubts(self) -> Doubts:
        """Since `arm`."""
        drops, truncated, downs = self._before
        capture, flows = self.capture, self.flows
        return Doubts(
            drops=capture.drops - drops,
            truncated=capture.truncated - truncated,
            downs=capture.downs - downs,
            unreadable=flows.unreadable,
            gaps=flows.gaps,
            conflicts=flows.conflicts,
            overflows=flows.overflows,
            evicted=flows.evicted,
            scan_errors=self.tap.errors,
        )

    def wire_report(self) -> WireReport:
        """All that is known."""
        flows, tap = self.flows, self.tap
        return WireReport(
            name=self.settings.name,
            interface=self.settings.interface,
            frames=flows.frames,
            connections=flows.connections,
            joined_late=flows.joined_late,
            bytes_up=tap.bytes_up,
            bytes_down=tap.bytes_down,
            others=dict(flows.others),
            other_bytes=flows.other_bytes,
            opaque=dict(flows.opaque),
            spared_bytes=flows.spared_bytes,
            attached=self.capture.is_attached(),
            doubts=self.doubts(),
        )

    def report(self) -> TapReport:
        """What a relay would say."""
        tap, wire = self.tap, self.wire_report()
        return TapReport(
            relay=self.settings.name,
            armed_canaries=tap.matcher.armed,
            hits=tap.report_hits(),
            beacons=len(tap.beacons),
            beacons_file=self.settings.beacons,
            bytes_up=tap.bytes_up,
            bytes_down=tap.bytes_down,
            connections=wire.connections,
            cut=False,
            errors=wire.doubts.total + (not wire.attached),
        )

    async def control(self, request: ControlRequest) -> ControlReply:
        """Answer one operation of the control socket."""
        match request.op:
            case "stats":
                await self.decided()
                return reply_with(self.wire_report())
            case "seen":
                await self.decided()
                write_beacons(self.tap, self.settings.beacons)
                return reply_with(self.report())
            case "arm":
                await self.decided()  # what came before is not of this run
                return self._arm(request)
            case _:
                return refuse("expected one of ping stats seen arm")

    def _arm(self, request: ControlRequest) -> ControlReply:
        try:
            arm(self.tap, request)
        except ValueError as error:
            return refuse(str(error))
        self.flows.reset()
        self._before = (self.capture.drops, self.capture.truncated, self.capture.downs)
        return reply_with(self.report())


async def serve(settings: SiteTapSettings, spared: tuple[Spared, ...]) -> None:
    """Tap until SIGTERM. Raises `CaptureError`, `OSError`."""
    loop = asyncio.get_running_loop()
    stop = stop_event(loop)
    capture = Capture(settings.interface, buffer_bytes=settings.buffer_bytes)
    with contextlib.closing(capture):
        tap = SiteTap(settings, capture, spared)
        loop.add_reader(capture.fileno(), tap.read)
        async with serve_control(Path(settings.control), tap.control), asyncio.TaskGroup() as tasks:
            house = tasks.create_task(tap.keep_house())
            write_ready(Path(settings.ready), settings.name, {})
            _log.info("tap.ready", interface=settings.interface)
            await stop.wait()
            house.cancel()
        loop.remove_reader(capture.fileno())


def main(argv: list[str] | None = None) -> int:
    """Run one tap."""
    parser = argparse.ArgumentParser(prog="python -m local.site_tap", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True)
    path: Path = parser.parse_args(argv).settings
    try:
        settings = msgspec.json.decode(path.read_bytes(), type=SiteTapSettings)
        spared = tuple(read_spared(it) for it in settings.spared)
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        sys.stderr.write(f"{path}: {error}; expected the settings of a wire tap as JSON\n")
        return 2
    set_up_logs(settings.name)
    try:
        if settings.namespace:
            enter(settings.namespace)
        uvloop.run(serve(settings, spared))
    except (CaptureError, OSError) as error:
        sys.stderr.write(f"{settings.name}: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
