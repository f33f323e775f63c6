"""`python -m chaos watchdog --leases DIR`: heal what a dead or late runner left behind, then end.

Exit codes: 0 every lease healed, 5 a fault is not healed.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import cast

from chaos.clock import SystemClock
from chaos.watchdog import watch
from runtime.logs import set_up_logs


def main(argv: list[str]) -> int:
    """Run the watchdog."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    watchdog = commands.add_parser("watchdog", help="heal leases at their end or their runner's")
    watchdog.add_argument("--leases", type=Path, required=True, metavar="DIR")
    given = parser.parse_args(argv)
    set_up_logs("chaos-watchdog")
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signum, _frame: asked.set())
    return watch(cast("Path", given.leases), SystemClock(), asked.is_set)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
