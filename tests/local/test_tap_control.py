"""A tap armed from a manifest and its beacons written, as relays and wire taps do it."""

from pathlib import Path

import msgspec
import pytest

from contracts.control import ControlRequest
from contracts.tap import Canary
from local.tap import Tap
from local.tap_control import arm, write_beacons

VALUE = "canary-" + "t" * 11 + "@shop.example"
CANARY = Canary(id=4, detector="email", place="json", value=VALUE, form_hex=VALUE.encode().hex())


def tap_and_request(path: Path) -> tuple[Tap, ControlRequest]:
    return Tap(on_error=lambda _error: None), ControlRequest(op="arm", args={"path": str(path)})


def test_a_manifest_arms_the_tap_and_its_beacons_are_written_sorted(tmp_path: Path) -> None:
    """Blank lines are passed over; each beacon stands once."""
    manifest, beacons = tmp_path / "canaries.ndjson", tmp_path / "beacons"
    manifest.write_bytes(msgspec.json.encode(CANARY) + b"\n\n")
    tap, request = tap_and_request(manifest)
    arm(tap, request)
    first, second = b"b-" + b"c" * 24, b"b-" + b"d" * 24
    tap.open("ads").up(b" ".join([second, first, second, VALUE.encode()]))
    write_beacons(tap, str(beacons))
    assert [it.canary for it in tap.report_hits()] == [4]
    assert beacons.read_bytes() == first + b"\n" + second + b"\n"


@pytest.mark.parametrize("text", [b"{\n", b'{"id": 1}\n'])
def test_a_broken_manifest_is_named_and_leaves_the_tap_as_it_was(
    text: bytes, tmp_path: Path
) -> None:
    """It is not armed with half a manifest."""
    manifest = tmp_path / "canaries.ndjson"
    manifest.write_bytes(msgspec.json.encode(CANARY) + b"\n" + text)
    tap, request = tap_and_request(manifest)
    with pytest.raises(ValueError, match=r"canaries\.ndjson"):
        arm(tap, request)
    assert not tap.armed


def test_without_a_path_it_says_what_was_expected() -> None:
    """A request that names no manifest, and one whose manifest is not there."""
    tap = Tap(on_error=lambda _error: None)
    with pytest.raises(ValueError, match="manifest"):
        arm(tap, ControlRequest(op="arm"))
    with pytest.raises(ValueError, match="No such file"):
        arm(*tap_and_request(Path("/nonexistent/manifest")))
