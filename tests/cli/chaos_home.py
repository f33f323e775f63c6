"""A home with a small kept cloud in it, for the commands of `isthmus chaos`."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.runs.experiments import GOOD
from tests.chaos.stage import ROOT, Stage, answering, stage

EASY = "share_min: 0.5"


@contextlib.contextmanager
def chaos_home(root: Path) -> Iterator[tuple[Path, Stage]]:
    """`home/cloud/state.json` of five ad nodes and a relay; ends with its processes."""
    home = root / "home"
    (home / "cloud").mkdir(parents=True)
    with stage(home / "cloud") as built, answering() as broker:
        for number in range(1, 6):
            built.node(f"ad-{number}")
        built.relay("{}:{}".format(*broker.getsockname()))
        built.save(keep=True)
        yield home, built


def experiment(folder: Path, text: str = GOOD) -> Path:
    """An experiment's file that the command's own vocabulary can read."""
    path = folder / "fixture.yaml"
    path.write_text(text)
    return path


def isthmus(*arguments: str) -> "subprocess.Popen[str]":
    """`isthmus chaos …` as a process of its own, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "import sys; from cli.main import run; sys.exit(run())", "chaos", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
