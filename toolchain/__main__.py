"""`make toolchain`: have every engine of a local cluster, from PATH, the cache or a build, linked into `.isthmus/bin`.

Exit: 0 all there, 3 Go or a module could not be had, 4 interrupted.
"""

import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from toolchain.build import Builder, BuildError
from toolchain.cache import cache_home
from toolchain.engines import Search
from toolchain.golang import GoError, find_go
from toolchain.links import link_all

SAY_EVERY_S = 5.0
"""How often a line is written where there is no terminal to write over."""


class Narrator:
    """Progress on one line of a terminal, or a line now and then in a log."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._said_s = -SAY_EVERY_S
        self._subject = ""

    def __call__(self, text: str) -> None:
        """Tell how far it is."""
        now_s = time.monotonic() - self._began_s
        subject = text.partition(":")[0]
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{_clock(now_s)}  {text}")
        elif subject != self._subject or now_s - self._said_s > SAY_EVERY_S:
            sys.stderr.write(f"{_clock(now_s)}  {text}\n")
            self._said_s = now_s
        self._subject = subject
        sys.stderr.flush()

    def end(self, text: str) -> None:
        """The last line."""
        start = "\r\x1b[K" if sys.stderr.isatty() else ""
        sys.stderr.write(f"{start}{_clock(time.monotonic() - self._began_s)}  {text}\n")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def main(state: Path) -> int:
    """Build what is missing and link all of it; returns the exit code."""
    say = Narrator()
    home = cache_home()
    search = Search(home)
    missing = search.missing()
    try:
        if missing:
            home.mkdir(parents=True, exist_ok=True)
            builder = Builder(find_go(state, say), home, say)
            for recipe in missing:
                builder.build(recipe)
            builder.forget_objects()
    except (GoError, BuildError, OSError) as error:
        say.end(f"toolchain: {error}")
        return 3
    found = search.all()
    link_all(found, state / "bin")
    built = sum(it.origin == "cache" for it in found)
    say.end(
        f"{len(found)} engines: {len(found) - built} from PATH, {built} built, in {state / 'bin'}"
    )
    return 0


def _interrupted(_signum: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        raise SystemExit(main(Path.cwd() / ".isthmus"))
    except KeyboardInterrupt:
        sys.stderr.write("\ntoolchain: interrupted; make toolchain goes on where it was\n")
        raise SystemExit(4) from None
