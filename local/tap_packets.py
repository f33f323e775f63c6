"""What one captured Ethernet frame is: a TCP segment, something else, or what cannot be read. Pure.

Lengths are the IP header's, not the frame's: short frames are padded. Checksums are not looked at: on a virtual
link they are filled in later, or never. Frames may be larger than any MTU (segmentation is left to hardware).
"""

import ipaddress
import struct
from typing import NamedTuple

SYN, FIN, RST, ACK = 0x02, 0x01, 0x04, 0x10
_ETHER_BYTES = 14
_VLAN = {0x8100, 0x88A8}
_IPV4, _IPV6, _ARP = 0x0800, 0x86DD, 0x0806
_TCP = 6
_NAMES = {1: "icmp", 17: "udp", 58: "icmpv6"}
_EXTENSIONS = {0, 43, 60}
"""Hop-by-hop, routing, destination options: each says its length in units of eight bytes."""
_FRAGMENT = 44
_TCP_HEAD = struct.Struct("!HHIIBBH")


class Segment(NamedTuple):
    """`source` and `target` are address and port, packed: 6 bytes or 18."""

    source: bytes
    target: bytes
    seq: int
    ack: int
    flags: int
    data: bytes


class Other(NamedTuple):
    """Not TCP: which protocol, and what it carries."""

    kind: str
    data: bytes


class Unreadable(NamedTuple):
    """Bytes that went by and cannot be put into a stream: why."""

    reason: str


Packet = Segment | Other | Unreadable


def parse(frame: bytes) -> Packet:
    """The frame taken apart; never raises."""
    kind, at = int.from_bytes(frame[12:14], "big"), _ETHER_BYTES
    while kind in _VLAN:
        kind, at = int.from_bytes(frame[at + 2 : at + 4], "big"), at + 4
    if kind == _IPV4:
        return _ipv4(frame, at)
    if kind == _IPV6:
        return _ipv6(frame, at)
    return Other("arp" if kind == _ARP else f"ether-{kind:04x}", frame[at:])


def _ipv4(frame: bytes, at: int) -> Packet:
    head = frame[at : at + 20]
    header_bytes = (head[0] & 0x0F) * 4 if head else 0
    if len(head) < 20 or header_bytes < 20:
        return Unreadable("short IPv4 header")
    # 0 is what a frame larger than 64 KiB says
    total = int.from_bytes(head[2:4], "big") or len(frame) - at
    end = at + total
    if end > len(frame):
        return Unreadable("frame shorter than its IPv4 length")
    if int.from_bytes(head[6:8], "big") & 0x3FFF:
        return Unreadable("IPv4 fragment")
    body = frame[at + header_bytes : end]
    if head[9] != _TCP:
        return Other(_NAMES.get(head[9], f"ip-{head[9]}"), body)
    return _tcp(head[12:16], head[16:20], body)


def _ipv6(frame: bytes, at: int) -> Packet:
    head = frame[at : at + 40]
    if len(head) < 40:
        return Unreadable("short IPv6 header")
    end = at + 40 + (int.from_bytes(head[4:6], "big") or len(frame) - at - 40)
    if end > len(frame):
        return Unreadable("frame shorter than its IPv6 length")
    body, kind = frame[at + 40 : end], head[6]
    while kind in _EXTENSIONS and len(body) >= 8:
        kind, body = body[0], body[(body[1] + 1) * 8 :]
    if kind == _FRAGMENT:
        return Unreadable("IPv6 fragment")
    if kind != _TCP:
        return Other(_NAMES.get(kind, f"ip-{kind}"), body)
    return _tcp(head[8:24], head[24:40], body)


def _tcp(source: bytes, target: bytes, body: bytes) -> Packet:
    if len(body) < _TCP_HEAD.size:
        return Unreadable("short TCP header")
    _, _, seq, ack, offset, flags, _ = _TCP_HEAD.unpack_from(body)
    start = (offset >> 4) * 4
    if not 20 <= start <= len(body):
        return Unreadable("short TCP header")
    return Segment(source + body[:2], target + body[2:4], seq, ack, flags, body[start:])


def address_text(packed: bytes) -> str:
    """`host:port` of a packed address."""
    host = ipaddress.ip_address(packed[:-2])
    port = int.from_bytes(packed[-2:], "big")
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"
