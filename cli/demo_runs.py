"""The folders of runs under `.isthmus/runs`: a new one for each run, the oldest removed, none that is in use."""

import contextlib
import random
import re
import shutil
import string
import time
from collections.abc import Callable, Generator
from pathlib import Path

from runtime.locks import LockHeldError, file_lock

RUNS_KEPT = 20
"""Three series of the five controls and some demos to compare with: about 200 MB at the default length and rate."""
RUN_LETTERS = 8
RUN_NAME = re.compile(rf"\d{{8}}-\d{{6}}-[a-z]{{{RUN_LETTERS}}}")


@contextlib.contextmanager
def new_run(runs: Path, say: Callable[[str], None]) -> Generator[Path]:
    """A new run's folder, in use while the context is open; `say` is told what old run could not be removed."""
    name = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=RUN_LETTERS))
    folder = runs / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    folder.mkdir(parents=True, mode=0o700)
    with file_lock(_lock(folder), wait_s=0):
        for problem in prune(runs):
            say(problem)
        yield folder


def prune(runs: Path) -> list[str]:
    """Remove runs but the newest `RUNS_KEPT`; one in use or with a fault in force stays. Returns what failed."""
    known = sorted(
        path for path in runs.iterdir()
        if RUN_NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
    )  # fmt: skip
    problems: list[str] = []
    for folder in known[:-RUNS_KEPT]:
        if any(folder.glob("leases/*.json")):
            continue  # the only record of how to heal it
        try:
            with file_lock(_lock(folder), wait_s=0):
                shutil.rmtree(folder)
        except LockHeldError:
            continue
        except OSError as error:
            problems.append(f"{folder}: old run not removed ({error.strerror}); fix: remove it")
    return problems


def _lock(folder: Path) -> Path:
    return folder / "in-use"
