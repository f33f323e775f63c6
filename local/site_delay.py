"""A delay on what one site sends over the site link, held by a process: `python -m local.site_delay …`, as root.

Kernels without netem cannot delay. So packets for the other site are routed into an interface of this process, wait
here, and are sent on over the link (where taps see them). Whatever ends the process ends the delay: with it go the
interface and its routes, and packets take the old way. It ends by itself after `--ttl` seconds.
"""

import argparse
import contextlib
import fcntl
import heapq
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from ipaddress import IPv4Network
from types import FrameType

import msgspec

from local.site_capture import CaptureError, enter
from local.site_rules import LINK

DEVICE = "slow0"
HELD_BYTES_MAX = 64 << 20
"""A second of a gigabit; what comes on top is lost, as in a router whose queue is full."""
PACKET_BYTES_MAX = 1 << 16
_TUNSETIFF = 0x400454CA
_TUN, _NO_INFORMATION = 0x0001, 0x1000
_IPV4 = b"\x08\x00"
COMMAND_S = 10.0


class DelayLine:
    """Packets on their way, in the order in which they came: one never overtakes another."""

    def __init__(self, delay_s: float, jitter_s: float, rng: random.Random) -> None:
        self._delay_s, self._jitter_s, self._rng = delay_s, jitter_s, rng
        self._held: list[tuple[float, int, bytes]] = []
        self._last_s = 0.0
        self._number = 0
        self._bytes = 0
        self.lost = 0

    def push(self, packet: bytes, now_s: float) -> None:
        """Hold a packet for its time; one too many is lost."""
        if self._bytes + len(packet) > HELD_BYTES_MAX:
            self.lost += 1
            return
        self._last_s = max(self._last_s, now_s + self._delay_s + self._rng.uniform(0, self._jitter_s))  # fmt: skip
        self._number += 1
        self._bytes += len(packet)
        heapq.heappush(self._held, (self._last_s, self._number, packet))

    def due(self, now_s: float) -> Iterator[bytes]:
        """Those whose time is over."""
        while self._held and self._held[0][0] <= now_s:
            packet = heapq.heappop(self._held)[2]
            self._bytes -= len(packet)
            yield packet

    def wait_s(self, now_s: float) -> float | None:
        """How long until the next is due; None while there is none."""
        return max(0.0, self._held[0][0] - now_s) if self._held else None


class DelayOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`network` is the other site's; `source` our address on the link, `peer` the hardware address of its other end."""

    namespace: str
    network: str
    source: str
    peer: str
    delay_ms: int
    jitter_ms: int = 0
    ttl_s: int = 900


def command_line(options: DelayOptions) -> tuple[str, ...]:
    """How to run it; read back by `read_command_line`."""
    pairs = msgspec.to_builtins(options).items()
    words = (f"--{name.replace('_', '-')}={value}" for name, value in pairs)
    return (sys.executable, "-m", "local.site_delay", *words)


def read_command_line(words: list[str]) -> DelayOptions | None:
    """What a process with this command line does; None when it is no delay."""
    if "local.site_delay" not in words:
        return None
    pairs = (it.removeprefix("--").partition("=") for it in words if it.startswith("--"))
    told = {name.replace("-", "_"): value for name, _, value in pairs}
    try:
        return msgspec.convert(told, DelayOptions, strict=False)
    except msgspec.ValidationError:
        return None


@contextlib.contextmanager
def diverted(options: DelayOptions) -> Generator[int]:
    """An interface that takes what is sent to the other site. Raises `OSError`, `CaptureError`."""
    enter(options.namespace)
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(
            device, _TUNSETIFF, struct.pack("16sH", DEVICE.encode(), _TUN | _NO_INFORMATION)
        )
        halves = IPv4Network(options.network).subnets()
        # more specific than the route there is, which so comes back by itself
        routes = [f"route add {half} dev {DEVICE} src {options.source}" for half in halves]
        text = "\n".join([f"link set {DEVICE} up", *routes, ""])
        subprocess.run(
            ("ip", "-batch", "-"), input=text, text=True, check=True, timeout=COMMAND_S  # noqa: S607 - of the system
        )  # fmt: skip
        yield device
    finally:
        os.close(device)


def carry(device: int, options: DelayOptions, line: DelayLine, *, stopped: list[bool]) -> None:
    """Carry packets until stopped or the time is over; what is held then goes at once. Raises `OSError`."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:
        wire.bind((LINK, 0))
        own: bytes = wire.getsockname()[4]
        head = bytes.fromhex(options.peer.replace(":", "")) + own + _IPV4
        until_s = time.monotonic() + options.ttl_s
        while not stopped and (now_s := time.monotonic()) < until_s:
            for packet in line.due(now_s):
                _send(wire, head + packet)
            waits = [until_s - now_s, 0.5]
            if (next_s := line.wait_s(now_s)) is not None:
                waits.append(next_s)
            if select.select([device], [], [], min(waits))[0]:
                _take(device, line)
        for packet in line.due(float("inf")):
            _send(wire, head + packet)


def _take(device: int, line: DelayLine) -> None:
    now_s = time.monotonic()
    with contextlib.suppress(BlockingIOError):
        while packet := os.read(device, PACKET_BYTES_MAX):
            if packet[0] >> 4 == 4:
                line.push(packet, now_s)


def _send(wire: socket.socket, frame: bytes) -> None:
    with contextlib.suppress(
        OSError
    ):  # the link is down, or its queue full: the packet is lost, as there
        wire.send(frame)


def main() -> int:
    """Delay until told to end."""
    parser = argparse.ArgumentParser(prog="python -m local.site_delay", description=__doc__)
    for field in msgspec.structs.fields(DelayOptions):
        parser.add_argument(f"--{field.encode_name.replace('_', '-')}", required=field.required)
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    try:
        options = msgspec.convert(given, DelayOptions, strict=False)
    except msgspec.ValidationError as error:
        sys.stderr.write(f"site_delay: {error}\n")
        return 2
    stopped: list[bool] = []

    def stop(_signum: int, _frame: FrameType | None) -> None:
        stopped.append(True)

    signal.signal(signal.SIGTERM, stop)
    line = DelayLine(options.delay_ms / 1000, options.jitter_ms / 1000, random.Random())
    try:
        with diverted(options) as device:
            carry(device, options, line, stopped=stopped)
    except (CaptureError, OSError, ValueError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"{options.namespace}: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
