"""Twin of chaos/inject/links.py: a real relay, troubled and looked through."""

import contextlib
from collections.abc import Iterator

import pytest

from chaos.faults import FaultError, Faults, open_faults
from chaos.inject.links import LinkTrouble, look_through, trouble
from tests.chaos.stage import Stage


@pytest.fixture
def faults(full_stage: Stage) -> Iterator[Faults]:
    with contextlib.closing(
        open_faults(full_stage.root / "run", full_stage.path, seed=7)
    ) as opened:
        yield opened


def end(stage: Stage) -> str:
    return look_through("kafka", stage.cloud.endpoint("kafka.public.link"), timeout_s=0.5).end


@pytest.mark.parametrize(
    ("what", "seen"),
    [
        (LinkTrouble(delay_ms=60, jitter_ms=10), "answered"),
        (LinkTrouble(rate_bytes_s=200, direction="down"), "answered"),
        (LinkTrouble(hole=True, direction="down"), "silent"),
        (LinkTrouble(hole=True, direction="up"), "silent"),
        (LinkTrouble(drop_share=1.0), "silent"),
        (LinkTrouble(reset=True, listeners="kaf*"), "reset"),
    ],
)
def test_each_trouble_is_proven_and_gone_after_the_heal(
    full_stage: Stage, faults: Faults, what: LinkTrouble, seen: str
) -> None:
    """Somebody who asks through the relay learns it, and learns no more of it afterwards."""
    fault = trouble(faults, what)
    assert fault.record.proven, fault.record.proof
    assert end(full_stage) == seen
    assert fault.heal().proven
    assert "answers again" in fault.record.proof
    assert end(full_stage) == "answered"


def test_two_troubles_end_each_by_itself(full_stage: Stage, faults: Faults) -> None:
    """Healing the hole leaves the delay; both carry names of their own."""
    slow = trouble(faults, LinkTrouble(delay_ms=50))
    hole = trouble(faults, LinkTrouble(hole=True))
    hole.heal()
    address = full_stage.cloud.endpoint("kafka.public.link")
    assert look_through("kafka", address, timeout_s=2).took_s >= 0.09
    slow.heal()


def test_what_cannot_be_troubled_is_said(full_stage: Stage, faults: Faults) -> None:
    """No such listener, or nobody who answers behind it: nothing is injected."""
    with pytest.raises(FaultError, match="no listener that matches ad-"):
        trouble(faults, LinkTrouble(listeners="ad-*", hole=True))
    cut = faults.link_cut()
    with pytest.raises(FaultError, match="expected an answer before, it was silent"):
        trouble(faults, LinkTrouble(hole=True))
    cut.heal()
    assert [record.kind for record in faults.records()] == ["link_cut"]
