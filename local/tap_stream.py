"""One direction of one connection, read as a wiretapper would: across segments, unchunked, inflated.

A stream searches a window of the new bytes and the end of the old ones in every view. Where it meets a
chunked body or compressed data it opens an inner stream that gets the payload from there on.
"""

import re
import zlib
from collections.abc import Callable
from typing import Protocol

from local.tap_match import Matcher
from local.tap_views import views

TAIL_BYTES = 768
"""Kept of what was read: the longest value (18 digits), full-width, percent-escaped (9 bytes a digit), with
separators between, is about 400 bytes."""
DEPTH_MAX = 4
"""chunked -> gzip -> gzip and one more; deeper nesting is no transport encoding."""
READERS_MAX = 32
"""Compressed or chunked bodies followed at once in one stream; more is counted as an error."""
INFLATED_BYTES_MAX = 64 << 20
"""Bound on what one compressed body may expand to; more is counted as an error."""
INFLATE_STEP_BYTES = 1 << 18

GZIP_MAGIC = b"\x1f\x8b\x08"
BEACON = re.compile(rb"b-[a-z]{24}")
_BODY_HEADER = re.compile(
    rb"\r\n(?:transfer-encoding:[^\r\n]*chunked|content-encoding:[^\r\n]*deflate)"
)
_UNREAD_HEADER = re.compile(
    rb"\r\ncontent-encoding:[ \t]*(?:[a-z, \t-]*,[ \t]*)?(?:br|zstd|(?:x-)?compress)[ \t]*[,\r]"
)
"""Encodings nobody here undoes: the router keeps such bodies in private, so on this wire one is a doubt."""
_HEAD_END = b"\r\n\r\n"
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?")
_CHUNK_LINE_BYTES_MAX = 4096


class Found(Protocol):
    """What a stream tells: canary `canary` was seen in the view called `view`."""

    def __call__(self, canary: int, view: str) -> None:
        """Take note of it."""
        ...


class ScanError(Exception):
    """A bound was hit: bytes went by unsearched."""


class Reader(Protocol):
    """Takes wire bytes, gives payload; `done` once its body has ended."""

    done: bool
    label: str

    def feed(self, data: bytes) -> bytes:
        """The payload in `data`."""
        ...


class Inflater:
    """gzip (`wbits` 31), zlib (15) or raw deflate (-15) of one body."""

    def __init__(self, label: str, wbits: int) -> None:
        self.label = label
        self.done = False
        self._zlib = zlib.decompressobj(wbits)
        self._out_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """What `data` inflates to. Data that is no such stream ends the reader: a magic number is no proof."""
        out = bytearray()
        try:
            while not self.done:
                piece = self._zlib.decompress(data, INFLATE_STEP_BYTES)
                out += piece
                data = self._zlib.unconsumed_tail
                self._out_bytes += len(piece)
                self.done = self._zlib.eof or self._out_bytes > INFLATED_BYTES_MAX
                if not data and len(piece) < INFLATE_STEP_BYTES:
                    break
        except zlib.error:
            self.done = True
        if self._out_bytes > INFLATED_BYTES_MAX:
            raise ScanError("a compressed body expands beyond the bound")
        return bytes(out)


class Dechunker:
    """The payload of one chunked body; framing that is wrong ends it."""

    def __init__(self) -> None:
        self.label = "chunked"
        self.done = False
        self._left_bytes = 0
        self._line = bytearray()
        self._first = True

    def feed(self, data: bytes) -> bytes:
        """The payload in `data`."""
        out = bytearray()
        while data and not self.done:
            if self._left_bytes:
                out += data[: self._left_bytes]
                taken = min(self._left_bytes, len(data))
                self._left_bytes -= taken
                data = data[taken:]
            else:
                data = self._size_line(data)
        return bytes(out)

    def _size_line(self, data: bytes) -> bytes:
        end = data.find(b"\n")
        if end < 0:
            self._line += data
            self.done = len(self._line) > _CHUNK_LINE_BYTES_MAX
            return b""
        line = bytes(self._line + data[:end]).rstrip(b"\r")
        self._line.clear()
        if line or self._first:  # the empty line is the CRLF that ends a chunk's data
            size = _CHUNK_SIZE.fullmatch(line)
            self._left_bytes = int(size[1], 16) if size else 0
            self.done = self._left_bytes == 0
        self._first = False
        return data[end + 1 :]


class Stream:
    """Search everything fed; `found` and `beacon` are told what was seen, possibly more than once."""

    def __init__(
        self,
        matcher: Matcher,
        *,
        found: Found,
        beacon: Callable[[bytes], None],
        label: str = "",
        depth: int = 0,
    ) -> None:
        self._matcher = matcher
        self._found = found
        self._beacon = beacon
        self._label = label
        self._depth = depth
        self._tail = b""
        self._tail_bytes = max(TAIL_BYTES, matcher.longest_bytes - 1)
        self._inner: list[tuple[Reader, Stream]] = []
        self._coming: set[str] = set()

    def feed(self, data: bytes) -> None:
        """Search `data` with what came before. Raises `ScanError` when a bound was hit."""
        old_bytes = len(self._tail)
        window = self._tail + data
        self._tail = window[-self._tail_bytes :]
        for beacon in BEACON.findall(window):
            self._beacon(beacon)
        for name, view in views(window):
            for canary in self._matcher.search(view):
                self._found(canary, self._label + name)
        if self._inner:
            self._feed_inner(data)
        if self._depth < DEPTH_MAX:
            self._open_compressed(window, old_bytes)
            self._open_bodies(window, old_bytes)

    def _feed_inner(self, data: bytes) -> None:
        for reader, stream in self._inner:
            if payload := reader.feed(data):
                stream.feed(payload)
        self._inner = [pair for pair in self._inner if not pair[0].done]

    def _open_compressed(self, window: bytes, old_bytes: int) -> None:
        # a magic number that ends in the new bytes begins at most two bytes before them
        at = window.find(GZIP_MAGIC, max(0, old_bytes - len(GZIP_MAGIC) + 1))
        while at >= 0:
            self._open(Inflater("gzip", zlib.MAX_WBITS | 16), window[at:])
            at = window.find(GZIP_MAGIC, at + 1)

    def _open_bodies(self, window: bytes, old_bytes: int) -> None:
        """Follow bodies whose head says chunked or deflate; head and body may be segments apart."""
        position = max(0, old_bytes - len(_HEAD_END) + 1)
        headers = window.lower()
        if not self._coming and b"-encoding:" not in headers:
            return
        unread = any(match.end() > old_bytes for match in _UNREAD_HEADER.finditer(headers))
        start = 0
        while (end := window.find(_HEAD_END, max(position, start))) >= 0:
            self._note_headers(headers, (start, end), old_bytes)
            if self._coming:
                self._open_body(window[end + len(_HEAD_END) :])
            start = position = end + len(_HEAD_END)
        self._note_headers(headers, (start, len(headers)), old_bytes)
        if unread:
            raise ScanError("a body in an encoding that is not undone here")

    def _note_headers(self, headers: bytes, span: tuple[int, int], old_bytes: int) -> None:
        for match in _BODY_HEADER.finditer(headers, *span):
            if match.end() <= old_bytes:
                continue  # seen with the bytes before
            self._coming.add("chunked" if match[0].endswith(b"chunked") else "deflate")

    def _open_body(self, body: bytes) -> None:
        deflate = [Inflater("deflate", zlib.MAX_WBITS), Inflater("rawdeflate", -zlib.MAX_WBITS)]
        compressed = deflate if "deflate" in self._coming else []
        if "chunked" in self._coming:
            stream = self._open(Dechunker(), b"")
            for reader in compressed:
                stream._open(reader, b"")  # noqa: SLF001 - an inner stream is one of us
            self._feed_last(body)
        else:
            for reader in compressed:
                self._open(reader, body)
        self._coming.clear()

    def _open(self, reader: Reader, data: bytes) -> "Stream":
        if len(self._inner) >= READERS_MAX:
            raise ScanError("too many bodies at once in one stream")
        stream = Stream(
            self._matcher,
            found=self._found,
            beacon=self._beacon,
            label=f"{self._label}{reader.label}:",
            depth=self._depth + 1,
        )
        if data and (payload := reader.feed(data)):
            stream.feed(payload)
        if not reader.done:
            self._inner.append((reader, stream))
        return stream

    def _feed_last(self, data: bytes) -> None:
        reader, stream = self._inner[-1]
        if data and (payload := reader.feed(data)):
            stream.feed(payload)
