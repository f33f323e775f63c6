"""Connections on a wire: who called, what was said, and what cannot be vouched for."""

from ipaddress import ip_network

import pytest

from contracts.tap import Canary
from local import tap_flows
from local.tap import Tap
from local.tap_flows import BEHIND_S, CLOSED_S, Doubts, Flows, Spared
from tests.local.frames import FIN, RST, SYN, ether, ipv4, packed, tcp

CLIENT, SERVER = "10.98.2.5:40000", "10.97.1.9:8080"
VALUE = "1990047" + "0001"
CANARY = Canary(id=4, detector="any", place="json", value=VALUE, form_hex=VALUE.encode().hex())
BEACON = b"b-" + b"q" * 24


class Wire:
    """A wire with one canary armed; time stands still unless a test moves it."""

    def __init__(self, *spared: Spared) -> None:
        self.tap = Tap(on_error=lambda _error: None)
        self.tap.arm([CANARY])
        self.flows = Flows(self.tap, place="site", spared=spared)
        self.now_s = 100.0

    def see(self, *frames: bytes) -> None:
        for frame in frames:
            self.flows.frame(frame, self.now_s)

    def greet(self, client: str = CLIENT, server: str = SERVER, start: int = 100) -> None:
        self.see(
            tcp(client, server, start, flags=SYN),
            tcp(server, client, 500, ack=start + 1, flags=SYN),
            tcp(client, server, start + 1, ack=501),
        )

    def up(self, at: int, data: bytes) -> None:
        self.see(tcp(CLIENT, SERVER, 101 + at, data=data, ack=501))

    def down(self, at: int, data: bytes, ack: int = 101) -> None:
        self.see(tcp(SERVER, CLIENT, 501 + at, data=data, ack=ack))

    def hits(self) -> list[tuple[int, str]]:
        return [(it.canary, it.listener) for it in self.tap.report_hits()]

    def doubts(self) -> Doubts:
        flows = self.flows
        return Doubts(
            unreadable=flows.unreadable, gaps=flows.gaps, conflicts=flows.conflicts,
            overflows=flows.overflows, evicted=flows.evicted, scan_errors=self.tap.errors,
        )  # fmt: skip


HIT = [(4, f"site {SERVER}")]


def test_a_value_split_over_reordered_segments_is_seen() -> None:
    """Three segments, the last first; the listener is who was called, whoever speaks."""
    wire = Wire()
    wire.greet()
    wire.up(8, VALUE[8:].encode())
    wire.up(4, VALUE[4:8].encode())
    assert wire.hits() == []
    wire.up(0, VALUE[:4].encode())
    assert wire.hits() == HIT
    assert (wire.tap.bytes_up, wire.tap.bytes_down) == (len(VALUE), 0)
    other = Wire()
    other.greet()
    other.down(0, VALUE.encode())
    assert other.hits() == HIT
    assert (other.tap.bytes_up, other.tap.bytes_down) == (0, len(VALUE))
    assert wire.doubts().total == other.doubts().total == 0


def test_halves_of_two_connections_or_directions_are_no_value() -> None:
    """Each is read by itself."""
    wire = Wire()
    wire.greet()
    wire.greet(client="10.98.2.5:40001")
    wire.up(0, VALUE[:6].encode())
    wire.down(0, VALUE[6:].encode())
    wire.see(tcp("10.98.2.5:40001", SERVER, 101, data=VALUE[6:].encode(), ack=501))
    assert wire.hits() == []


def test_beacons_are_counted_once() -> None:
    """Sent again, or seen in pieces."""
    wire = Wire()
    wire.greet()
    wire.up(0, BEACON[:9])
    wire.up(9, BEACON[9:])
    wire.up(9, BEACON[9:])
    wire.up(26, BEACON)
    assert wire.tap.beacons == {BEACON}
    assert wire.doubts().total == 0


def test_bytes_that_were_acknowledged_and_not_seen_are_a_gap_after_their_time() -> None:
    """Late ones are not; nothing is read across a gap; what comes after is searched."""
    wire = Wire()
    wire.greet()
    wire.up(0, VALUE[:6].encode())
    wire.down(0, b"ok", ack=101 + 10)
    assert not wire.flows.settle(wire.now_s)
    wire.up(6, b"late")
    assert wire.flows.settle(wire.now_s + BEHIND_S)
    assert wire.doubts().gaps == 0
    wire.down(2, b"ok", ack=101 + 20)
    assert not wire.flows.settle(wire.now_s + BEHIND_S / 2)
    assert wire.flows.settle(wire.now_s + BEHIND_S)
    assert wire.doubts() == Doubts(gaps=1)
    wire.up(20, VALUE.encode())
    assert wire.hits() == HIT


def test_a_connection_that_ends_well_leaves_no_doubt() -> None:
    """FINs both ways and their acknowledgements, sent again too; then it is forgotten."""
    wire = Wire()
    wire.greet()
    wire.up(0, b"bye")
    for _ in range(2):
        wire.see(
            tcp(CLIENT, SERVER, 104, ack=501, flags=FIN), tcp(SERVER, CLIENT, 501, ack=105, flags=FIN),
            tcp(CLIENT, SERVER, 105, ack=502),
        )  # fmt: skip
    assert wire.flows.settle(wire.now_s + CLOSED_S)
    wire.see(tcp(CLIENT, SERVER, 105, ack=502))
    assert wire.doubts().total == 0
    assert (wire.flows.connections, wire.flows.joined_late) == (1, 0)


def test_ports_used_again_are_another_connection() -> None:
    """A SYN sent again is not; halves of the two are no value."""
    wire = Wire()
    wire.greet()
    wire.see(tcp(CLIENT, SERVER, 100, flags=SYN))
    assert wire.flows.connections == 1
    wire.up(0, VALUE[:6].encode())
    wire.see(tcp(SERVER, CLIENT, 501, flags=RST))
    wire.greet(start=9000)
    assert wire.flows.connections == 2
    wire.see(tcp(CLIENT, SERVER, 9001, data=VALUE[6:].encode(), ack=501))
    assert wire.hits() == []
    wire.see(tcp(CLIENT, SERVER, 9001 + 5, data=VALUE.encode(), ack=501))
    assert wire.hits() == HIT
    assert wire.doubts().total == 0


def test_a_connection_older_than_the_tap_is_joined_and_counted() -> None:
    """The lower port is the server's; its acknowledgements alone are no connection."""
    wire = Wire()
    wire.see(tcp(SERVER, CLIENT, 7000, ack=3))
    assert wire.flows.connections == 0
    wire.see(tcp(SERVER, CLIENT, 7000, data=VALUE.encode(), ack=3))
    assert wire.hits() == HIT
    assert (wire.flows.connections, wire.flows.joined_late) == (1, 1)
    assert wire.tap.bytes_down == len(VALUE)
    wire.see(tcp(CLIENT, SERVER, 3, data=b"more", ack=7000 + len(VALUE)))
    assert wire.flows.settle(wire.now_s + 9)
    assert wire.doubts().total == 0


def test_contents_that_contradict_are_a_doubt_and_both_are_searched() -> None:
    """Sent again with a value in it, where there was none."""
    wire = Wire()
    wire.greet()
    wire.up(0, b"x" * len(VALUE))
    wire.up(0, VALUE.encode())
    assert wire.doubts() == Doubts(conflicts=1)
    assert wire.hits() == HIT


def test_what_is_no_tcp_is_counted_and_searched_and_what_cannot_be_read_is_a_doubt() -> None:
    """A datagram with a value in it is a hit."""
    wire = Wire()
    wire.see(ether(0x0806, b"who has"))
    wire.see(ether(0x0800, ipv4(CLIENT, SERVER, VALUE.encode(), protocol=17)))
    wire.see(ether(0x0800, ipv4(CLIENT, SERVER, VALUE.encode(), fragment=5)))
    assert wire.hits() == [(4, "site udp")]
    assert wire.flows.others == {"arp": 1, "udp": 1}
    assert wire.flows.other_bytes == 7 + len(VALUE)
    assert wire.doubts() == Doubts(unreadable=1)


def test_callers_of_spared_servers_are_not_searched() -> None:
    """What the spared server itself sends on is."""
    edge = Spared(network=ip_network("10.97.1.0/24"), port=8080)
    wire = Wire(edge)
    wire.greet()
    wire.up(0, VALUE.encode())
    wire.up(99, b"too early")
    wire.down(0, VALUE.encode(), ack=101 + len(VALUE))
    assert wire.hits() == []
    assert wire.flows.spared_bytes == 2 * len(VALUE)
    ad = "10.97.4.2:8080"
    wire.greet(client="10.97.1.9:50000", server=ad)
    wire.see(tcp("10.97.1.9:50000", ad, 101, data=VALUE.encode(), ack=501))
    assert wire.hits() == [(4, f"site {ad}")]
    assert not Spared(network=ip_network("10.97.1.0/24"), port=81).covers(packed(SERVER))
    assert Spared(network=ip_network("10.97.1.0/24")).covers(packed(SERVER))


def test_tls_is_counted_by_server() -> None:
    """Nobody may say it was read."""
    wire = Wire()
    wire.greet()
    wire.up(0, b"\x16\x03\x01" + bytes(50))
    wire.down(0, b"\x16\x03\x03" + bytes(20))
    assert wire.flows.opaque == {f"site {SERVER}": 76}


def test_more_connections_than_are_remembered_are_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the oldest was over; what is evicted and goes on is joined late."""
    monkeypatch.setattr(tap_flows, "FLOWS_MAX", 2)
    wire = Wire()
    wire.greet(client="10.98.2.5:1000")
    wire.see(tcp(SERVER, "10.98.2.5:1000", 501, flags=RST))
    for port in (1001, 1002):
        wire.greet(client=f"10.98.2.5:{port}")
    assert wire.doubts().evicted == 0
    wire.greet()
    assert wire.doubts() == Doubts(evicted=1)


def test_a_bound_that_is_hit_is_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes too far ahead are searched by themselves."""
    monkeypatch.setattr("local.tap_reassembly.PENDING_BYTES_MAX", 5)
    wire = Wire()
    wire.greet()
    wire.up(10, VALUE.encode())
    assert wire.doubts() == Doubts(overflows=1)
    assert wire.hits() == HIT


def test_counts_start_anew_and_connections_stay() -> None:
    """As `arm` needs it."""
    wire = Wire()
    wire.greet()
    wire.up(0, b"x")
    wire.up(0, b"y")
    wire.flows.reset()
    wire.tap.arm([CANARY])
    assert (wire.doubts().total, wire.flows.frames) == (0, 0)
    wire.up(1, VALUE.encode())
    assert wire.hits() == HIT
    assert wire.flows.joined_late == 0
