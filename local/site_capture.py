"""Every frame of one interface, both ways, as the kernel shows it to an AF_PACKET socket, and how many it dropped.

The frames wait in a socket buffer until they are read; when it is full the kernel drops and counts. A frame longer
than the read buffer is cut and counted too. Both mean that bytes went by unread.
"""

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

FRAME_BYTES_MAX = 1 << 19
"""Segmentation left to hardware makes frames of 64 KiB, with large-frame TCP up to 512 KiB."""
_EVERY_PROTOCOL = 0x0003
_SOL_PACKET, _ADD_MEMBERSHIP, _STATISTICS = 263, 1, 6
_PROMISCUOUS = 1
_RCVBUFFORCE = 33
_MEMBERSHIP = struct.Struct("iHH8s")
_COUNTS = struct.Struct("II")
_NEW_NETWORK = 0x40000000
_NAMES = Path("/run/netns")


class CaptureError(Exception):
    """Nothing can be captured: where, what the kernel said, fix."""


def enter(namespace: str) -> None:
    """Move this process (its only thread) into a network namespace. Raises `CaptureError`."""
    path = _NAMES / namespace
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            if libc.setns(descriptor, _NEW_NETWORK) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CaptureError(
            f"{path}: {error.strerror}; expected the network namespace of a site. "
            "fix: make the cluster first (isthmus up dev), and be root"
        ) from error


class Capture:
    """An open capture; `drops`, `truncated` and `downs` only grow."""

    def __init__(self, interface: str, *, buffer_bytes: int) -> None:
        self.drops = self.truncated = self.downs = 0
        self._interface = interface
        self._frame = memoryview(bytearray(FRAME_BYTES_MAX))
        try:
            self._socket = self._open(interface, buffer_bytes)
        except OSError as error:
            raise CaptureError(
                f"interface {interface}: {error.strerror}; expected it in this network namespace, and root. "
                "fix: see ip link there"
            ) from error

    def _open(self, interface: str, buffer_bytes: int) -> socket.socket:
        index = socket.if_nametoindex(interface)
        # no protocol until it is bound: before that it would take frames of every interface
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        try:
            opened.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, buffer_bytes)
            opened.bind((interface, _EVERY_PROTOCOL))
            # a bridge shows what it passes from port to port only to those who ask for everything
            member = _MEMBERSHIP.pack(index, _PROMISCUOUS, 0, b"")
            opened.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, member)
        except OSError:
            opened.close()
            raise
        return opened

    def fileno(self) -> int:
        """What to wait for."""
        return self._socket.fileno()

    def close(self) -> None:
        """Let go."""
        self._socket.close()

    def read(self, take: Callable[[bytes], None], *, frames_max: int) -> int:
        """Hand over the frames that wait, at most so many; how many there were."""
        frame, receive = self._frame, self._socket.recv_into
        for count in range(frames_max):
            try:
                size = receive(frame, FRAME_BYTES_MAX, socket.MSG_TRUNC)
            except BlockingIOError:
                return count
            except OSError as error:
                if error.errno != errno.ENETDOWN:
                    raise
                self.downs += 1  # said once; it goes on when the interface is up again
                continue
            if size > FRAME_BYTES_MAX:
                self.truncated += 1
            take(bytes(frame[: min(size, FRAME_BYTES_MAX)]))
        return frames_max

    def count_drops(self) -> None:
        """Ask the kernel what it dropped since it was last asked."""
        told = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, _COUNTS.size)
        self.drops += _COUNTS.unpack(told)[1]

    def is_attached(self) -> bool:
        """Whether the interface it was opened on is still there; one made anew under its name is another."""
        return self._socket.getsockname()[0] == self._interface
