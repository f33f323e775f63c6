"""Ethernet frames made by hand."""

import ipaddress
import struct

SYN, FIN, RST, ACK = 0x02, 0x01, 0x04, 0x10


def ether(kind: int, body: bytes, *, vlan: bool = False) -> bytes:
    tag = struct.pack("!HH", 0x8100, 7) if vlan else b""
    return bytes(12) + tag + struct.pack("!H", kind) + body


def packed(text: str) -> bytes:
    host, _, port = text.rpartition(":")
    return ipaddress.ip_address(host.strip("[]")).packed + int(port).to_bytes(2, "big")


def tcp_body(
    source: str, target: str, seq: int, *, data: bytes = b"", ack: int | None = None, flags: int = 0,
    options: bytes = b"",
) -> bytes:  # fmt: skip
    flags |= 0 if ack is None else ACK
    head = struct.pack(
        "!IIBBHHH", seq % (1 << 32), (ack or 0) % (1 << 32), (5 + len(options) // 4) << 4, flags, 1000, 0, 0
    )  # fmt: skip
    return packed(source)[-2:] + packed(target)[-2:] + head + options + data


def ipv4(
    source: str, target: str, body: bytes, *, protocol: int = 6, fragment: int = 0, total: int | None = None,
    options: bytes = b"",
) -> bytes:  # fmt: skip
    size = 20 + len(options) + len(body) if total is None else total
    head = struct.pack(
        "!BBHHHBBH", 0x40 | 5 + len(options) // 4, 0, size, 1, fragment, 64, protocol, 0
    )
    return head + packed(source)[:-2] + packed(target)[:-2] + options + body


def ipv6(source: str, target: str, body: bytes, *, protocol: int = 6) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64)
    return head + packed(source)[:-2] + packed(target)[:-2] + body


def tcp(
    source: str, target: str, seq: int, *, data: bytes = b"", ack: int | None = None, flags: int = 0
) -> bytes:
    return ether(
        0x0800,
        ipv4(source, target, tcp_body(source, target, seq, data=data, ack=ack, flags=flags)),
    )
