"""What a wire tap is told, and when its report proves nothing."""

from ipaddress import ip_network

import msgspec
import pytest

from local.site_tap_settings import SiteTapSettings, WireReport, read_spared
from local.tap_flows import Doubts, Spared

REPORT = WireReport(
    name="t", interface="site", frames=1, connections=1, joined_late=0, bytes_up=0, bytes_down=0, others={},
    other_bytes=0, opaque={}, spared_bytes=0, attached=True, doubts=Doubts(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "network", "port"),
    [
        ("10.97.4.0/24:8080", "10.97.4.0/24", 8080),
        ("10.97.4.0/24", "10.97.4.0/24", 0),
        ("[fd00::/64]:443", "fd00::/64", 443),
        ("fd00::/64", "fd00::/64", 0),
    ],
)
def test_spared_servers_are_read(text: str, network: str, port: int) -> None:
    """With a port and without."""
    assert read_spared(text) == Spared(network=ip_network(network), port=port)


@pytest.mark.parametrize("text", ["", "edge:8080", "10.97.4.0/24:x", "10.97.4.0/24:0", "10.97.4.9/24"])  # fmt: skip
def test_what_is_no_network_is_refused(text: str) -> None:
    """A server spared by mistake would go unsearched."""
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library's words, or ours
        read_spared(text)


@pytest.mark.parametrize("cause", Doubts.__struct_fields__)
def test_any_doubt_makes_the_proof_void(cause: str) -> None:
    """Each by itself, and a lost interface."""
    assert not REPORT.is_void
    doubts = msgspec.convert({cause: 1}, Doubts)
    assert msgspec.structs.replace(REPORT, doubts=doubts).is_void
    assert msgspec.structs.replace(REPORT, attached=False).is_void


def test_settings_are_read_strictly() -> None:
    """A key that is misspelt is an error."""
    text = b'{"name":"t","control":"c","ready":"r","beacons":"b","interfaces":"pods"}'
    with pytest.raises(msgspec.ValidationError, match="interfaces"):
        msgspec.json.decode(text, type=SiteTapSettings)
