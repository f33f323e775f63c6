"""The wire tap as a process: settings, control socket, one report for the verdict and one that says why."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.tap_flows import Doubts
from runtime.control import ControlError, call_control
from tests.local.wires import PUBLIC, ROOT, canary, rooted, send, serving, tapped, two_sites

VALUE = "1990047" + "0003"
BEACON = b"b-" + b"k" * 24


def ended(path: Path) -> tuple[int, str]:
    argv = (sys.executable, "-m", "local.site_tap", "--settings", str(path))
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("{}", 2, "expected the settings of a wire tap"),
        ('{"name":"t","control":"c","ready":"r","beacons":"b","spared":["edge"]}', 2, "edge"),
        ('{"name":"t","control":"c","ready":"r","beacons":"b","namespace":"isthmus-none"}', 3, "fix:"),
    ],
)  # fmt: skip
def test_what_cannot_be_tapped_is_said(tmp_path: Path, text: str, code: int, said: str) -> None:
    """File, place, fix; no traceback."""
    path = tmp_path / "tap.json"
    path.write_text(text)
    told = ended(path)
    assert told[0] == code
    assert said in told[1]
    assert "Traceback" not in told[1]


@rooted
def test_it_is_armed_sees_and_reports(tmp_path: Path) -> None:
    """Hits and beacons since it was armed, in a relay's report; beacons in their file; bad requests refused."""
    with (
        two_sites() as (public, private), tapped(tmp_path, public) as tap,
        serving(public, PUBLIC, 80, answer=VALUE.encode()),
    ):  # fmt: skip
        send(private, PUBLIC, 80, (BEACON,))
        assert (tap.seen().bytes_up, tap.seen().beacons) == (0, 0)
        tap.arm(canary(7, VALUE), canary(8, VALUE[:-1] + "9"))
        send(private, PUBLIC, 80, (BEACON, b" and ", BEACON), (b"once more",))
        seen = tap.seen()
        assert [(it.canary, it.listener) for it in seen.hits] == [(7, f"site {PUBLIC}:80")]
        assert (seen.armed_canaries, seen.beacons, seen.errors) == (2, 1, 0)
        assert Path(seen.beacons_file).read_bytes() == BEACON + b"\n"
        assert (seen.bytes_up, seen.bytes_down) == (2 * len(BEACON) + 5 + 9, 2 * len(VALUE))
        stats = tap.stats()
        assert stats.doubts == Doubts()
        assert not stats.is_void
        assert stats.frames >= 20
        tap.arm()
        assert (tap.seen().hits, tap.seen().beacons, tap.stats().bytes_up) == ((), 0, 0)
        for op, args in (("cut", {}), ("arm", {}), ("arm", {"path": "/none"})):
            with pytest.raises(ControlError, match=r"expected|none"):
                call_control(Path(tap.settings.control), op, **args)
