"""Find and read an experiment's file; every fault of it is told at once, with its line and how to mend it."""

import hashlib
from pathlib import Path

import msgspec

from chaos.runs.check import check
from chaos.runs.grammar import Experiment
from chaos.runs.vocabulary import Vocabulary
from policy.document import read_document
from policy.problems import PolicyError, did_you_mean

BUILT_IN = Path(__file__).parents[1] / "experiments"


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment that may be played: its name, where it stands, the SHA-256 of its text."""

    name: str
    file: str
    digest: str
    experiment: Experiment


class ExperimentError(Exception):
    """The file cannot be used: a line per fault, each with place, expectation and fix."""


def built_in() -> tuple[Path, ...]:
    """The experiments that come with Isthmus, by name."""
    return tuple(sorted(BUILT_IN.glob("*.yaml")))


def find(named: str) -> Path:
    """The file of a built-in experiment, or the file itself where `named` is a path. Raises `ExperimentError`."""
    path = Path(named)
    if path.suffix in {".yaml", ".yml"} or "/" in named:
        return path
    known = {it.stem: it for it in built_in()}
    if named not in known:
        raise ExperimentError(
            f"{named}: no such experiment; expected a built-in name or a .yaml file; "
            f"fix: {did_you_mean(named, known)}"
        )
    return known[named]


def load(path: Path, vocabulary: Vocabulary) -> Loaded:
    """Read and check a file. Raises `ExperimentError` with every fault."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ExperimentError(
            f"{path}: {error.strerror}; expected an experiment file; fix: name one of isthmus chaos list"
        ) from error
    try:
        document = read_document(data, str(path), Experiment)
        if document.value is not None:
            check(document, document.value, vocabulary)
        document.finish()
    except PolicyError as error:
        raise ExperimentError(str(error)) from error
    if document.value is None:
        raise ExperimentError(f"{path}: expected an experiment")
    return Loaded(
        name=path.stem, file=str(path), digest=hashlib.sha256(data).hexdigest(),
        experiment=document.value,
    )  # fmt: skip
