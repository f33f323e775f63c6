"""What a wire tap is started with (`python -m local.site_tap --settings FILE`), as JSON; and what it reports."""

from ipaddress import ip_network

from contracts.base import Contract
from local.tap_flows import Doubts, Spared

BUFFER_BYTES = 64 << 20
"""At 2,000 requests a second a tap that is not scheduled for some seconds still loses nothing."""


class SiteTapSettings(Contract, frozen=True, kw_only=True):
    """`namespace` is entered (empty: stay where it is started), `interface` is there: `site` or `pods`.

    `spared` are `NETWORK` or `NETWORK:PORT` of servers whose callers come from outside and may say to them what they
    like (the edge routers): those connections are counted, not searched. `beacons` is where `seen` writes them.
    """

    name: str
    namespace: str = ""
    interface: str = "site"
    control: str
    ready: str
    beacons: str
    spared: tuple[str, ...] = ()
    buffer_bytes: int = BUFFER_BYTES


class WireReport(Contract, frozen=True, kw_only=True):
    """The tap's answer to `stats`. Any doubt makes the proof void; so does `attached` false.

    `others` counts frames that are no TCP by protocol (searched one by one), `opaque` bytes of TLS by server
    (searched, but as they are), `spared_bytes` what was not searched on purpose, `joined_late` connections that
    began before the tap.
    """

    schema: int = 1
    name: str
    interface: str
    frames: int
    connections: int
    joined_late: int
    bytes_up: int
    bytes_down: int
    others: dict[str, int]
    other_bytes: int
    opaque: dict[str, int]
    spared_bytes: int
    attached: bool
    doubts: Doubts

    @property
    def is_void(self) -> bool:
        """Whether nothing follows from what was not seen."""
        return self.doubts.total > 0 or not self.attached


def read_spared(text: str) -> Spared:
    """`10.97.4.0/24:8080` or `10.97.4.0/24`; IPv6 with a port in brackets. Raises `ValueError`."""
    network, _, port = text.rpartition(":") if "." in text or "]" in text else (text, "", "")
    if not network:
        network, port = text, ""
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{text}: expected NETWORK or NETWORK:PORT")
    return Spared(network=ip_network(network.strip("[]")), port=int(port or 0))
