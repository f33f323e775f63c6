"""Frames of a real interface, and what was lost of them."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from local.site_capture import Capture, CaptureError, enter
from tests.local.wires import PUBLIC, ROOT, inside, rooted, run, send, serving, two_sites

COUNT = """
import contextlib, sys, time
from local.site_capture import Capture
frames = []
with contextlib.closing(Capture("site", buffer_bytes=int(sys.argv[1]))) as capture:
    print(flush=True)
    sys.stdin.readline()
    while capture.read(frames.append, frames_max=100):
        pass
    capture.count_drops()
    print(len(frames), capture.drops, sum(map(len, frames)), capture.is_attached(), flush=True)
    sys.stdin.readline()
    capture.read(frames.append, frames_max=100)
    print(capture.downs, capture.is_attached(), flush=True)
"""


def test_what_is_not_there_is_named() -> None:
    """Namespace or interface, with the fix."""
    with pytest.raises(CaptureError, match=r"isthmus-nowhere.*fix:"):
        enter("isthmus-nowhere")
    with pytest.raises(CaptureError, match=r"interface isthmus0.*fix:"):
        Capture("isthmus0", buffer_bytes=1 << 20)


def counters(namespace: str) -> int:
    """Frames the interface itself counted, both ways."""
    folder = "/sys/class/net/site/statistics"
    argv = ("ip", "netns", "exec", namespace, "cat", f"{folder}/rx_packets", f"{folder}/tx_packets")
    return sum(map(int, subprocess.run(argv, capture_output=True, check=True).stdout.split()))


@rooted
@pytest.mark.parametrize(("buffer_bytes", "whole"), [(1 << 22, True), (2048, False)], ids=["room", "none"])  # fmt: skip
def test_every_frame_is_read_or_counted_as_dropped(buffer_bytes: int, *, whole: bool) -> None:
    """As many as the interface counted; a buffer without room loses some and says how many; an end is seen."""
    with two_sites() as (public, private), contextlib.ExitStack() as stack:
        argv = inside(public, sys.executable, "-c", COUNT, str(buffer_bytes))
        pipe = subprocess.PIPE
        counting = stack.enter_context(subprocess.Popen(argv, cwd=ROOT, stdin=pipe, stdout=pipe, text=True))  # fmt: skip
        assert counting.stdin
        assert counting.stdout
        counting.stdout.readline()
        before = counters(public)
        with serving(public, PUBLIC, 80):
            send(private, PUBLIC, 80, *[(b"x" * 20_000,)] * 10)
        crossed = counters(public) - before
        print(file=counting.stdin, flush=True)
        frames, drops, size, attached = counting.stdout.readline().split()
        assert int(frames) + int(drops) == crossed
        assert (int(drops) == 0) == whole
        assert (int(size) > 10 * 20_000) == whole
        assert attached == "True"
        assert run("ip", "-n", private, "link", "delete", "site")
        print(file=counting.stdin, flush=True)
        assert counting.stdout.readline().split() == ["1", "False"]
        assert Path(f"/run/netns/{public}").exists()
