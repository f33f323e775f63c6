"""What the control sockets of relays and wire taps have in common: a tap armed from a file, its beacons written."""

from pathlib import Path

import msgspec

from contracts.control import ControlRequest
from contracts.tap import Canary
from local.tap import Tap


def arm(tap: Tap, request: ControlRequest) -> None:
    """Arm with the canary manifest (NDJSON) `path`. Raises `ValueError` that says what was expected."""
    path = request.args.get("path")
    if not isinstance(path, str):
        raise ValueError("expected path to name a canary manifest (NDJSON)")  # noqa: TRY004 - a border
    try:
        lines = Path(path).read_bytes().splitlines()
        tap.arm(msgspec.json.decode(line, type=Canary) for line in lines if line)
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        raise ValueError(f"{path}: {error}") from error


def write_beacons(tap: Tap, path: str) -> None:
    """The distinct beacons seen since it was armed, sorted, one a line."""
    lines = b"".join(beacon + b"\n" for beacon in sorted(tap.beacons))
    Path(path).write_bytes(lines)
