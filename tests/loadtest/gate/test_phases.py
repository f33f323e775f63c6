"""Which seconds are judged, and which lie before, during and after the faults."""

import msgspec
import pytest

from loadtest.gate.phases import judged, part_of, phase_figures, second_figures
from tests.loadtest.gate.runs import FAULT, GOOD, PROOFS, SLO, START_NS, changed, slo


@pytest.mark.parametrize(
    ("phases", "seconds"),
    [
        ((), range(40)),
        (("steady",), range(20, 40)),
        (("up",), range(20)),
        (("up-2",), (2, 3)),
        (("none",), ()),
    ],
)
def test_the_seconds_of_the_named_phases_are_judged(phases, seconds):
    """A step is named as a whole or level by level; a name nobody has leaves nothing."""
    assert judged(GOOD, slo(phases=phases)) == frozenset(seconds)


@pytest.mark.parametrize(
    ("second", "part"),
    [(27, "before"), (28, "during"), (33, "during"), (34, "after"), (39, "after")],
)
def test_the_second_of_a_fault_is_during(second, part):
    """Before ends with the second it takes effect in; after begins when it is healed."""
    assert part_of(GOOD, (FAULT,), second) == part


def test_a_fault_that_is_never_healed_has_no_after():
    """To the end of the run it is in force."""
    open_fault = msgspec.structs.replace(FAULT, healed_mono_ns=0)
    assert part_of(GOOD, (open_fault,), 39) == "during"


def test_between_two_faults_it_is_during():
    """From the first to the last: what is calm in between may still recover."""
    later = msgspec.structs.replace(
        FAULT, injected_mono_ns=START_NS + 36 * 10**9, healed_mono_ns=START_NS + 38 * 10**9
    )
    assert [part_of(GOOD, (FAULT, later), second) for second in (27, 35, 37, 38)] == [
        "before", "during", "during", "after",
    ]  # fmt: skip


def test_without_faults_there_are_no_parts():
    """Nothing to be before or after of."""
    calm = changed(proofs=msgspec.structs.replace(PROOFS, faults=()))
    assert list(phase_figures(calm, "public", judged(calm, SLO))) == []


def test_every_second_of_the_run_is_drawn():
    """Also those without a request."""
    gap = changed(cells=tuple(cell for cell in GOOD.cells if cell.second != 5))
    found = second_figures(gap)
    assert [it.second for it in found] == list(range(40))
    assert (found[5].sent, found[6].sent, found[25].sent) == (0, 400, 320)
    assert second_figures(changed(cells=())) == ()
