"""Frames taken apart: what is a TCP segment, what is something else, what cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.tap_packets import ACK, SYN, Other, Segment, Unreadable, address_text, parse
from tests.local.frames import ether, ipv4, ipv6, packed, tcp, tcp_body

ONE, TWO = "10.96.1.1:8080", "10.96.1.2:40000"
SIX, SEVEN = "[fd00::6]:443", "[fd00::7]:50000"


@given(st.binary(max_size=200), st.integers(0, (1 << 32) - 1), st.data())
def test_a_segment_comes_out_as_put_in(data: bytes, seq: int, given: st.DataObject) -> None:
    """Addresses, numbers and bytes, over IPv4 and IPv6, tagged or not; options and padding are no bytes of it."""
    vlan, padding = given.draw(st.booleans()), given.draw(st.integers(0, 10))
    four = ipv4(TWO, ONE, tcp_body(TWO, ONE, seq, data=data, ack=9, options=bytes(8)), options=bytes(4))  # fmt: skip
    expected = (seq, 9, ACK, data)
    told = parse(ether(0x0800, four, vlan=vlan) + bytes(padding))
    assert isinstance(told, Segment)
    assert (address_text(told.source), address_text(told.target)) == (TWO, ONE)
    assert told[2:] == expected
    extension = bytes((6, 0)) + bytes(6)
    body = extension + tcp_body(SEVEN, SIX, seq, data=data, ack=9)
    told = parse(ether(0x86DD, ipv6(SEVEN, SIX, body, protocol=0), vlan=vlan) + bytes(padding))
    assert isinstance(told, Segment)
    assert (address_text(told.source), address_text(told.target)) == (SEVEN, SIX)
    assert told[2:] == expected


def test_a_frame_too_large_for_its_length_field_is_read_whole() -> None:
    """Its IPv4 length is 0."""
    data = bytes(70_000)
    told = parse(ether(0x0800, ipv4(TWO, ONE, tcp_body(TWO, ONE, 1, data=data), total=0)))
    assert isinstance(told, Segment)
    assert len(told.data) == 70_000


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (ether(0x0806, b"who has"), "arp"),
        (ether(0x0800, ipv4(TWO, ONE, b"who has", protocol=17)), "udp"),
        (ether(0x0800, ipv4(TWO, ONE, b"who has", protocol=1)), "icmp"),
        (ether(0x0800, ipv4(TWO, ONE, b"who has", protocol=132)), "ip-132"),
        (ether(0x86DD, ipv6(SEVEN, SIX, b"who has", protocol=58)), "icmpv6"),
        (ether(0x88CC, b"who has"), "ether-88cc"),
    ],
)
def test_what_is_no_tcp_is_named_and_keeps_its_contents(frame: bytes, kind: str) -> None:
    """So that it can be counted and searched."""
    assert parse(frame) == Other(kind, b"who has")


@pytest.mark.parametrize(
    "frame",
    [
        ether(0x0800, b"\x45"),
        ether(0x0800, ipv4(TWO, ONE, b"x", total=500)),
        ether(0x0800, ipv4(TWO, ONE, bytes(40), fragment=0x2000)),
        ether(0x0800, ipv4(TWO, ONE, bytes(40), fragment=9)),
        ether(0x0800, ipv4(TWO, ONE, bytes(19))),
        ether(0x0800, ipv4(TWO, ONE, bytes(20))),
        ether(0x86DD, bytes(39)),
        ether(0x86DD, ipv6(SEVEN, SIX, bytes(40))[:60]),
        ether(0x86DD, ipv6(SEVEN, SIX, bytes(40), protocol=44)),
    ],
)
def test_what_cannot_be_put_into_a_stream_is_said(frame: bytes) -> None:
    """Fragments, cut frames, headers that lie."""
    assert isinstance(parse(frame), Unreadable)


@given(st.binary(max_size=120), st.sampled_from([0x0800, 0x86DD, 0x8100, 0x0806, 0]))
def test_any_bytes_are_some_frame(body: bytes, kind: int) -> None:
    """Nothing raises."""
    assert isinstance(parse(ether(kind, body)), Segment | Other | Unreadable)
    assert isinstance(parse(body), Segment | Other | Unreadable)


def test_flags_are_kept() -> None:
    """A SYN is one."""
    told = parse(tcp(TWO, ONE, 5, flags=SYN))
    assert isinstance(told, Segment)
    assert told.flags == SYN
    assert told.source == packed(TWO)
