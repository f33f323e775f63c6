"""Shipped experiments on the two-site cloud. Times are not judged here: benches and demos do that."""

import random
import time
from pathlib import Path

import pytest

from chaos.runs.actions import ACTIONS
from chaos.runs.conduct import Place, conduct
from chaos.runs.experiment import find, load
from chaos.runs.looks import LOOKS
from contracts.chaos import ChaosReason

GAP_S = 30.0
SHIPPED = ("policy-swap-under-fault", "warehouse-down")
"""Between them: dead nodes, a swapped and a broken policy, a closed database, the way of a click to its row."""


def is_about_time(reason: ChaosReason) -> bool:
    """Whether a busy machine alone can cause it."""
    return reason.limit > 0 or "processor" in reason.text or "said no at the end" in reason.text


@pytest.mark.cloud
@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_experiment_runs_and_restores(
    cloud_root: Path, tmp_path: Path, name: str
) -> None:
    """Every fault proven and healed, nothing left in force, the steady state back, by the cloud's own word."""
    home = cloud_root / ".isthmus"
    place = Place(cloud=home / "cloud/state.json", runs=tmp_path / "runs", gap_s=GAP_S)
    seed = random.Random(time.time_ns()).randrange(1 << 31)
    result = conduct(
        load(find(name), {**ACTIONS, **LOOKS}), place, seed=seed, say=lambda _text: None
    )
    assert [it for it in result.reasons if not is_about_time(it)] == [], result.reasons
    assert result.faults
    assert all(it.proven and it.healed_mono_ns for it in result.faults)
    assert not list(place.runs.glob("*/leases/*.json"))
