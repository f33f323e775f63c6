"""Chaos Toolkit's library, called from here and nowhere else: it plays, we watch.

Must be called from the main thread: the library takes signals. Rollbacks are always played, the hypothesis is
looked at all the time, and a safeguard that cannot be loaded, a warning to the library, is an error.
"""

import importlib
import logging
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Protocol, cast

import msgspec
from chaoslib.experiment import ensure_experiment_is_valid  # pyright: ignore[reportMissingTypeStubs] - it ships none
from chaoslib.hypothesis import run_steady_state_hypothesis  # pyright: ignore[reportMissingTypeStubs] - it ships none
from chaoslib.run import EventHandlerRegistry, RunEventHandler, Runner, initialize_run_journal  # pyright: ignore[reportMissingTypeStubs] - it ships none
from chaoslib.types import Schedule, Strategy  # pyright: ignore[reportMissingTypeStubs] - it ships none

from chaos.runs.folder import write_whole
from chaos.runs.grammar import Activity, Experiment, Hypothesis, Provider
from chaos.runs.journal import look_at
from chaos.runs.verdict import Look

FREQUENCY_S = 0.05
"""Pause between two looks, which themselves take from milliseconds to a quarter of a second."""

GRACEFULLY = 20
"""The code by which the library knows that rollbacks are wanted."""

Plain = dict[str, object]
SAFEGUARDS = "chaosaddons.controls.safeguards"
_LOGGER = logging.getLogger("chaostoolkit")
_LOGGER.addHandler(logging.NullHandler())  # what it says outside a run is not for stderr
_SETTINGS: Plain = {"runtime": {"rollbacks": {"strategy": "always"}}}


class _Guardian(Protocol):
    was_triggered: bool
    triggered_by: str | None
    _setup: bool


class _Safeguards(Protocol):
    guardian: _Guardian
    Guardian: Callable[[], _Guardian]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How the library's part ended; the journal is on disk unless it fell over before there was one."""

    fell_over: str = ""
    safeguard: str = ""


def plain(experiment: Experiment, configuration: Mapping[str, object]) -> Plain:
    """The experiment as the library wants it: dictionaries and lists.

    A pause after a step becomes a step of its own: the library would sit it out even when a signal ended the step.
    """
    steps = tuple(it for step in experiment.method for it in _with_its_pause(step))
    whole = msgspec.structs.replace(experiment, method=steps)
    document = msgspec.json.decode(msgspec.json.encode(whole), type=Plain)
    return {**document, "configuration": dict(configuration)}


def _with_its_pause(step: Activity) -> tuple[Activity, ...]:
    if not step.pauses.after:
        return (step,)
    provider = Provider(
        type="python", module="chaos.runs.toolkit", func="pause",
        arguments={"pause_s": step.pauses.after},
    )  # fmt: skip
    wait = Activity(type="action", name=f"wait after {step.name}", provider=provider)
    before = msgspec.structs.replace(step.pauses, after=0.0)
    return (msgspec.structs.replace(step, pauses=before), wait)


def pause(pause_s: float) -> float:
    """The step that waits."""
    time.sleep(pause_s)
    return pause_s


def play(experiment: Experiment, configuration: Mapping[str, object], folder: Path) -> Outcome:
    """Play the experiment to its end; `journal.json` and `toolkit.log` are left in `folder`."""
    document = plain(experiment, configuration)
    log = _log_to(folder / "toolkit.log")
    safeguards = _fresh_safeguards()
    journal = cast("Plain", initialize_run_journal(document))
    fell_over = ""
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        # the library's own handler is there only while it plays: a late safeguard must not kill us
        signal.SIGUSR1: signal.signal(signal.SIGUSR1, signal.SIG_IGN),
    }
    try:
        ensure_experiment_is_valid(document)
        schedule = Schedule(continuous_hypothesis_frequency=FREQUENCY_S)
        with Runner(Strategy.CONTINUOUS, schedule) as runner:
            runner.register_event_handler(_Terminated())
            runner.run(document, _SETTINGS, None, journal)  # pyright: ignore[reportArgumentType] - optional, its types do not say so
    except Exception as error:  # noqa: BLE001 - whatever it raises, it did not play to the end
        fell_over = f"{type(error).__name__}: {error}"
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        write_whole(folder / "journal.json", msgspec.json.encode(journal, enc_hook=str))
        _LOGGER.removeHandler(log)
        log.close()
    guardian = safeguards.guardian
    if not fell_over and not guardian._setup:  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - nothing else tells whether it was loaded
        fell_over = "the safeguards were not loaded"
    tripped = guardian.triggered_by if guardian.was_triggered else None
    return Outcome(fell_over=fell_over, safeguard=tripped or "")


def look_until_met(
    experiment: Experiment, configuration: Mapping[str, object], *, within_s: float
) -> Look | None:
    """Look at the hypothesis and at what else must be restored until all holds, or time is up."""
    hypothesis = msgspec.structs.replace(
        experiment.hypothesis, probes=(*experiment.hypothesis.probes, *experiment.own.restored)
    )
    document: Plain = {
        "title": experiment.title,
        "steady-state-hypothesis": _plain_hypothesis(hypothesis),
        "method": [],
        "rollbacks": [],
    }
    deadline_s = time.monotonic() + within_s
    while True:
        look = _look(document, configuration)
        if look is None or look.met or time.monotonic() > deadline_s:
            return look
        time.sleep(FREQUENCY_S)


def _plain_hypothesis(hypothesis: Hypothesis) -> Plain:
    return msgspec.json.decode(msgspec.json.encode(hypothesis), type=Plain)


def _look(document: Plain, configuration: Mapping[str, object]) -> Look | None:
    try:
        state = cast(
            "object",
            run_steady_state_hypothesis(
                document, dict(configuration), {}, None, EventHandlerRegistry()  # pyright: ignore[reportArgumentType] - as above
            ),
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - a probe's module may raise whatever it likes
        now_s = time.time()
        return Look(start_s=now_s, end_s=now_s, met=False, probe="a probe", raised=str(error))
    return look_at(state)


class _Terminated(RunEventHandler):
    """Makes SIGTERM end the run: the library raises an `Exception`, which a step would take for its own failure."""

    def started(self, experiment: Plain, journal: Plain) -> None:
        """Called when the library has set its handlers and nothing has been played."""
        del experiment, journal
        signal.signal(signal.SIGTERM, _leave)


def _leave(_signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(GRACEFULLY)


def _fresh_safeguards() -> _Safeguards:
    """The add-on keeps one guardian per process; a second run in a process needs one of its own."""
    module = cast("_Safeguards", importlib.import_module(SAFEGUARDS))
    module.guardian = module.Guardian()
    return module


def _log_to(path: Path) -> logging.Handler:
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _LOGGER.addHandler(handler)
    return handler
