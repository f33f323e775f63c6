"""Twin of chaos/history/score.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.history.score import Rated, history
from contracts.chaos import ChaosHistory, ChaosReason, ChaosResult, ChaosVerdict

NOW_S = 10_000_000.0
RATED = Rated(experiment="link-cut", weight=1.0, fresh_for_h=100.0)


def run(verdict: ChaosVerdict, *, age_h: float, experiment: str = "link-cut") -> ChaosResult:
    reasons = () if verdict == "passed" else (ChaosReason(id="deviated", text="ads at the core"),)
    return ChaosResult(
        run=f"{verdict}-{age_h}", experiment=experiment, title="t", digest="d", seed=1,
        tier="tier0", verdict=verdict, reasons=reasons, started_wall_s=NOW_S - age_h * 3600,
        duration_s=1.0,
    )  # fmt: skip


def score(*runs: ChaosResult) -> ChaosHistory:
    return history((RATED,), runs, now_s=NOW_S)


@pytest.mark.parametrize(
    ("runs", "points", "check"),
    [
        ((), 0.0, "never run"),
        ((run("passed", age_h=1),), 100.0, ""),
        ((run("passed", age_h=100),), 100.0, ""),
        ((run("passed", age_h=200),), 75.0, "expired: 200 h old"),
        ((run("passed", age_h=900),), 0.0, "expired"),
        ((run("deviated", age_h=1), run("passed", age_h=2)), 50.0, "deviated: ads at the core"),
        ((run("deviated", age_h=400),), 25.0, "deviated"),
        ((run("passed", age_h=1), run("deviated", age_h=2)), 100.0, ""),
        ((run("probe_error", age_h=1), run("passed", age_h=2)), 75.0, "unproven"),
        ((run("interrupted", age_h=1),), 0.0, "unproven"),
        ((run("refused", age_h=1), run("passed", age_h=2)), 100.0, ""),
    ],
)
def test_the_score_names_what_pulls_it_down(
    runs: tuple[ChaosResult, ...], points: float, check: str
) -> None:
    """Fresh passes count in full, old ones less, failures half, and what proved nothing costs."""
    found = score(*runs).experiments[0]
    assert found.score == points
    assert found.failed_check.startswith(check)
    assert bool(found.failed_check) == (points < 100)


def test_the_whole_is_the_weighted_mean() -> None:
    """An experiment of weight three counts three times; without any experiment the score is 0."""
    heavy = Rated(experiment="kill", weight=3.0, fresh_for_h=100.0)
    runs = (run("passed", age_h=1), run("deviated", age_h=1, experiment="kill"))
    assert history((RATED, heavy), runs, now_s=NOW_S).score == 62.5
    assert history((), runs, now_s=NOW_S).score == 0.0
    assert [it.run for it in history((), runs[::-1], now_s=NOW_S).runs] == [
        "deviated-1",
        "passed-1",
    ]


@given(st.floats(0, 2000), st.floats(0, 2000))
def test_evidence_only_gets_older(first_h: float, second_h: float) -> None:
    """The later one asks, the less a pass is worth."""
    newer, older = sorted((first_h, second_h))
    assert (
        score(run("passed", age_h=newer)).experiments[0].score
        >= score(run("passed", age_h=older)).experiments[0].score
    )
