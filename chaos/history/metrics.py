"""The history as a Prometheus exposition, for the node exporter's textfile directory. Pure: text out."""

from collections.abc import Iterable, Mapping

from chaos.history.score import is_refusal
from contracts.chaos import ChaosHistory, ChaosResult

PREFIX = "isthmus_chaos"


def exposition(history: ChaosHistory, *, faults_in_force: int) -> str:
    """Every metric of chaos; counters count what the history holds."""
    lines = [
        *_family("score", "gauge", "Weighted score of all experiments, 0 to 100.", {"": history.score}),
        *_family("faults_in_force", "gauge", "Leases that are open.", {"": faults_in_force}),
        *_family(
            "experiment_score", "gauge", "Score of an experiment, 0 to 100.",
            {_labels(experiment=it.experiment): it.score for it in history.experiments},
        ),
        *_family("runs_total", "counter", "Runs by verdict.", _counts(history.runs)),
        *_last(history.runs),
    ]  # fmt: skip
    return "\n".join([*lines, ""])


def _last(runs: Iterable[ChaosResult]) -> list[str]:
    latest: dict[str, ChaosResult] = {}
    for run in runs:  # newest first
        if not is_refusal(run):
            latest.setdefault(run.experiment, run)
    started = {_labels(experiment=name): run.started_wall_s for name, run in latest.items()}
    passed = {_labels(experiment=name): run.verdict == "passed" for name, run in latest.items()}
    rto = {
        _labels(experiment=name): max((it.rto_s for it in run.recoveries), default=0.0)
        for name, run in latest.items()
    }
    return [
        *_family("last_run_timestamp_seconds", "gauge", "When an experiment last began.", started),
        *_family("last_run_passed", "gauge", "Whether the last run passed.", passed),
        *_family("last_run_rto_seconds", "gauge", "Longest recovery of the last run.", rto),
    ]


def _counts(runs: Iterable[ChaosResult]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for run in runs:
        labels = _labels(experiment=run.experiment, verdict=run.verdict)
        counts[labels] = counts.get(labels, 0) + 1
    return counts


def _family(name: str, kind: str, text: str, samples: Mapping[str, float]) -> list[str]:
    head = [f"# HELP {PREFIX}_{name} {text}", f"# TYPE {PREFIX}_{name} {kind}"]
    return [
        *head,
        *(f"{PREFIX}_{name}{labels} {float(value):.12g}" for labels, value in samples.items()),
    ]


def _labels(**labels: str) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
