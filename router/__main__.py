"""`python -m router --settings FILE`."""

import argparse
import sys
from pathlib import Path

from router.run import run_router


def main(argv: list[str]) -> int:
    """Parse and run; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m router", description="The sensitivity router: one placement, core or edge."
    )
    parser.add_argument("--settings", type=Path, required=True, help="RouterSettings as JSON")
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    parser.add_argument("--listen", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    return run_router(arguments.settings, worker=arguments.worker, listen=arguments.listen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
