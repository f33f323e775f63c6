"""Every TCP connection on a wire, from frames: who called whom, both directions in order, both searched. Pure.

Whatever the tap cannot vouch for is counted (`Doubts`); one doubt makes the proof void. Frames that are no TCP are
counted by protocol and their contents searched too.
"""

from collections import OrderedDict
from ipaddress import IPv4Network, IPv6Network, ip_address

import msgspec

from contracts.base import Contract
from local.tap import ConnectionTap, Tap
from local.tap_packets import ACK, FIN, RST, SYN, Other, Segment, Unreadable, address_text, parse
from local.tap_reassembly import Direction, Pieces

FLOWS_MAX = 1 << 16
"""Connections remembered at once; 5 to 40 KB each, by how much they carried."""
BEHIND_S = 0.5
"""An acknowledgement may be captured on one processor before the bytes are on another; milliseconds, not this long."""
CLOSED_S = 5.0
"""How long what is sent again after the end is still recognised."""
_TLS = (b"\x14\x03", b"\x15\x03", b"\x16\x03", b"\x17\x03")
"""A TLS record begins with its type and the major version."""


class Doubts(Contract, frozen=True, kw_only=True):
    """Bytes that went by and were not searched as the receiver read them, by cause."""

    drops: int = 0
    truncated: int = 0
    unreadable: int = 0
    gaps: int = 0
    conflicts: int = 0
    overflows: int = 0
    evicted: int = 0
    downs: int = 0
    scan_errors: int = 0

    @property
    def total(self) -> int:
        """How many, whatever the cause."""
        return sum(msgspec.structs.astuple(self))


class Spared(msgspec.Struct, frozen=True, kw_only=True):
    """Servers whose own callers are not searched: those outside may say to them what they like. Port 0 is any."""

    network: IPv4Network | IPv6Network
    port: int = 0

    def covers(self, server: bytes) -> bool:
        """Whether the packed address is one of them."""
        here = int.from_bytes(server[-2:], "big")
        return self.port in {0, here} and ip_address(server[:-2]) in self.network


class Flow:
    """One connection; `up` is what the caller sends."""

    def __init__(self, client: bytes, server: bytes, *, listener: str, spared: bool) -> None:
        self.client, self.server, self.listener, self.spared = client, server, listener, spared
        self.up, self.down = Direction(), Direction()
        self.tap: ConnectionTap | None = None
        self.opaque: bool | None = None
        self.ends: set[bytes] = set()


class Flows:
    """The connections of one wire; `place` names it in hits."""

    def __init__(self, tap: Tap, *, place: str, spared: tuple[Spared, ...] = ()) -> None:
        self._tap, self._place, self._spared = tap, place, spared
        self._flows: OrderedDict[tuple[bytes, bytes], Flow] = OrderedDict()
        self._closed: OrderedDict[tuple[bytes, bytes], float] = OrderedDict()
        self._behind: dict[tuple[bytes, bytes], float] = {}
        self.connections = 0
        self.reset()

    def reset(self) -> None:
        """Counts start at zero; connections stay known."""
        self.frames = 0
        self.joined_late = 0
        self.unreadable = self.gaps = self.conflicts = self.overflows = self.evicted = 0
        self.spared_bytes = 0
        self.others: dict[str, int] = {}
        self.other_bytes = 0
        self.opaque: dict[str, int] = {}

    def frame(self, frame: bytes, now_s: float) -> None:
        """One frame, in the order of capture."""
        self.frames += 1
        match parse(frame):
            case Segment() as segment:
                self._segment(segment, now_s)
            case Other(kind, data):
                self.others[kind] = self.others.get(kind, 0) + 1
                self.other_bytes += len(data)
                self._tap.search_alone(f"{self._place} {kind}", data)
            case Unreadable():
                self.unreadable += 1

    def _segment(self, segment: Segment, now_s: float) -> None:
        key = _key(segment.source, segment.target)
        flow = self._flows.get(key)
        if segment.flags & (SYN | ACK) == SYN and (flow is None or _is_anew(flow, segment)):
            self._forget(key)
            flow = self._open(key, segment.source, segment.target)
        elif flow is None:
            if not segment.data:
                return  # an end or an acknowledgement of something over
            flow = self._join(key, segment)
        self._flows.move_to_end(key)
        self._feed(key, flow, segment, now_s=now_s)

    def _open(self, key: tuple[bytes, bytes], client: bytes, server: bytes) -> Flow:
        if len(self._flows) >= FLOWS_MAX:
            oldest = next(iter(self._flows))
            self.evicted += oldest not in self._closed
            self._forget(oldest)
        spared = any(it.covers(server) for it in self._spared)
        flow = Flow(client, server, listener=f"{self._place} {address_text(server)}", spared=spared)
        flow.tap = None if spared else self._tap.open(flow.listener)
        self._flows[key] = flow
        self.connections += 1
        return flow

    def _join(self, key: tuple[bytes, bytes], segment: Segment) -> Flow:
        """A connection that began before the tap: the lower port is the server's."""
        self.joined_late += 1
        pair = sorted(
            (segment.source, segment.target), key=lambda it: int.from_bytes(it[-2:], "big")
        )
        return self._open(key, pair[1], pair[0])

    def _forget(self, key: tuple[bytes, bytes]) -> None:
        self._behind.pop(key, None)
        self._closed.pop(key, None)
        self._flows.pop(key, None)

    def _feed(
        self, key: tuple[bytes, bytes], flow: Flow, segment: Segment, *, now_s: float
    ) -> None:
        upwards = segment.source == flow.client
        mine, theirs = (flow.up, flow.down) if upwards else (flow.down, flow.up)
        seq, flags = segment.seq, segment.flags
        if flags & SYN:
            seq += 1
            if not mine.known:
                mine.begin(seq)
        if segment.data:
            self._take(flow, mine.add(seq, segment.data), upwards=upwards)
        if flags & FIN:
            mine.finish(seq + len(segment.data))
            flow.ends.add(segment.source)
        if flags & ACK and not flags & RST:
            theirs.acknowledge(segment.ack)
        if flags & RST or len(flow.ends) == 2:
            self._closed.setdefault(key, now_s)
        if flow.up.is_behind or flow.down.is_behind:
            self._behind.setdefault(key, now_s)
        else:
            self._behind.pop(key, None)

    def _take(self, flow: Flow, pieces: Pieces, *, upwards: bool) -> None:
        tap = flow.tap
        if tap is None:
            self.spared_bytes += sum(map(len, pieces.ordered))
            return
        self.conflicts += pieces.conflict
        self.overflows += pieces.overflow
        for data in pieces.ordered:
            if flow.opaque is None:
                flow.opaque = data.startswith(_TLS)
            if flow.opaque:
                self.opaque[flow.listener] = self.opaque.get(flow.listener, 0) + len(data)
            (tap.up if upwards else tap.down)(data)
        for data in pieces.strays:
            self._tap.search_alone(flow.listener, data)

    def settle(self, now_s: float) -> bool:
        """Call a gap a gap once it had its time, forget what is over; whether nothing is undecided."""
        for key, since_s in list(self._behind.items()):
            if now_s - since_s >= BEHIND_S:
                del self._behind[key]
                self._skip(self._flows[key])
        while self._closed:
            key, closed_s = next(iter(self._closed.items()))
            if now_s - closed_s < CLOSED_S:
                break
            self._forget(key)
        return not self._behind

    def _skip(self, flow: Flow) -> None:
        for direction, upwards in ((flow.up, True), (flow.down, False)):
            while direction.is_behind:
                pieces = direction.skip()
                if flow.tap is not None:
                    self.gaps += 1
                    # what follows is not what came before: nothing may be read across
                    flow.tap = self._tap.open(flow.listener)
                self._take(flow, pieces, upwards=upwards)


def _key(one: bytes, two: bytes) -> tuple[bytes, bytes]:
    return (one, two) if one < two else (two, one)


def _is_anew(flow: Flow, segment: Segment) -> bool:
    """Whether a SYN begins another connection between the same two ports, or is one sent again."""
    mine = flow.up if segment.source == flow.client else flow.down
    return not mine.is_start((segment.seq + 1) % (1 << 32))
