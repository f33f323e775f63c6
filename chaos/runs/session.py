"""What the functions of an experiment share while it runs: the faults of the run, found by its folder.

Chaos Toolkit calls plain module functions and hands them nothing but the configuration; the folder's path in it
leads here. One run has one entry, from `opened` to its end.
"""

import contextlib
from collections.abc import Generator, Mapping
from pathlib import Path

from chaos.cloud import Cloud
from chaos.faults import Faults, open_faults

RUN, CLOUD, TTL_S = "isthmus_run", "isthmus_cloud", "isthmus_ttl_s"
"""Keys of the configuration."""

_open: dict[str, Faults] = {}


class SessionError(Exception):
    """An experiment's function was called outside a run of ours."""


@contextlib.contextmanager
def opened(folder: Path, cloud: Path, *, seed: int, ttl_s: float) -> Generator[dict[str, object]]:
    """The configuration to play an experiment with. Raises `NotHealedError` if a fault outlives the block."""
    faults = open_faults(folder, cloud, seed=seed)
    _open[str(folder)] = faults
    try:
        yield {RUN: str(folder), CLOUD: str(cloud), TTL_S: ttl_s}
    finally:
        del _open[str(folder)]
        faults.close()


def faults_of(configuration: Mapping[str, object]) -> Faults:
    """The faults of the run that calls. Raises `SessionError`."""
    found = _open.get(str(configuration.get(RUN)))
    if found is None:
        raise SessionError("expected to be called by isthmus chaos run")
    return found


def ttl_of(configuration: Mapping[str, object]) -> float:
    """How long a fault of this run may stay without its runner, seconds."""
    return float(str(configuration[TTL_S]))


def cloud_of(configuration: Mapping[str, object]) -> Cloud:
    """The cloud the run is on."""
    return Cloud(Path(str(configuration[CLOUD])))
