"""Twin of chaos/history/metrics.py: read back by Prometheus' own parser."""

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from chaos.history.metrics import exposition
from contracts.chaos import ChaosHistory, ChaosResult, ExperimentScore, FaultRecovery

RUN = ChaosResult(
    run="r1", experiment='odd"name', title="t", digest="d", seed=1, tier="tier0", verdict="passed",
    reasons=(), started_wall_s=1795570600.5, duration_s=1.0,
    recoveries=(FaultRecovery(fault="01", rto_s=0.25), FaultRecovery(fault="02", rto_s=0.75)),
)  # fmt: skip
SCORE = ExperimentScore(
    experiment='odd"name', score=75.0, weight=1.0, last_run="r1", last_verdict="passed", age_h=1.0,
    failed_check="expired",
)  # fmt: skip


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (it.name, *it.labels.values()): it.value
        for family in text_string_to_metric_families(text)
        for it in family.samples
    }


def test_the_history_is_told_in_prometheus_words() -> None:
    """Score, verdicts counted, the last run of each experiment; refusals are counted and are no last run."""
    refused = msgspec.structs.replace(RUN, run="r2", verdict="refused", started_wall_s=1795570700)
    told = ChaosHistory(score=75.0, experiments=(SCORE,), runs=(refused, RUN))
    found = samples(exposition(told, faults_in_force=2))
    name = 'odd"name'
    assert found["isthmus_chaos_score",] == 75
    assert found["isthmus_chaos_faults_in_force",] == 2
    assert found["isthmus_chaos_experiment_score", name] == 75
    assert found["isthmus_chaos_runs_total", name, "refused"] == 1
    assert found["isthmus_chaos_last_run_timestamp_seconds", name] == 1795570600.5
    assert found["isthmus_chaos_last_run_passed", name] == 1
    assert found["isthmus_chaos_last_run_rto_seconds", name] == 0.75


def test_an_empty_history_is_an_exposition_too() -> None:
    """A fresh machine is scraped as well."""
    text = exposition(ChaosHistory(score=0.0, experiments=(), runs=()), faults_in_force=0)
    assert samples(text) == {("isthmus_chaos_score",): 0, ("isthmus_chaos_faults_in_force",): 0}
    assert text.endswith("\n")
