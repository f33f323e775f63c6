"""A small real process: listens, writes its ready file, waits. Run as a script; a second use of its port fails."""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--listen", required=True)
parser.add_argument("--ready", required=True, type=Path)
parser.add_argument("--refuse-to-start", type=Path)
given = parser.parse_args()
if given.refuse_to_start and given.refuse_to_start.exists():
    sys.exit(3)
host, _, port = given.listen.rpartition(":")
with socket.create_server((host, int(port))) as server:
    address = "{}:{}".format(*server.getsockname())
    scratch = given.ready.with_suffix(".tmp")
    scratch.write_text(
        f'{{"schema":1,"name":"node","pid":{os.getpid()},"addresses":{{"http":"{address}"}}}}'
    )
    scratch.replace(given.ready)
    signal.pause()
