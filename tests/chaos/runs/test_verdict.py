"""Twin of chaos/runs/verdict.py: each reason by the facts that make it, and the order between them."""

import itertools
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.runs.verdict import (
    ORDER,
    Facts,
    Injected,
    Limits,
    Look,
    Played,
    Step,
    exit_code,
    judge,
)
from contracts.chaos import ChaosReason, ChaosReasonId


def look(at_s: float, *, met: bool = True, raised: str = "") -> Look:
    return Look(start_s=at_s, end_s=at_s + 0.05, met=met and not raised, probe="ads", raised=raised)


GOOD = Played(
    status="completed",
    before=look(9.0),
    during=tuple(look(10 + n / 5) for n in range(20)),
    after=look(14.2),
    method=(Step(kind="action", name="kill"), Step(kind="probe", name="shut")),
    rollbacks=(Step(kind="action", name="heal"),),
)
FAULT = Injected(id="01-node_kill", at_s=10.5, proven=True, proof="seen")
FACTS = Facts(
    limits=Limits(rto_s=1.0), played=GOOD, injected=(FAULT,), restored=look(15.0)
)  # fmt: skip


def played(**changes: object) -> Facts:
    return msgspec.structs.replace(FACTS, played=msgspec.structs.replace(GOOD, **changes))


def facts(**changes: object) -> Facts:
    return msgspec.structs.replace(FACTS, **changes)


def broken(*moments: float) -> tuple[Look, ...]:
    """Looks every 0.2 s, broken at the given moments."""
    return tuple(look(at, met=at not in moments) for at in (10 + n / 5 for n in range(20)))


CASES: dict[str, tuple[ChaosReasonId, Facts]] = {
    "the library fell over": ("error", facts(fell_over="ModuleNotFoundError: nowhere", restored=None)),
    "no journal": ("error", facts(played=None, restored=None)),
    "the runner died": ("interrupted", facts(died=True, played=None, restored=None)),
    "a signal": ("interrupted", played(status="interrupted", after=None)),
    "a safeguard": ("aborted", msgspec.structs.replace(
        played(status="interrupted", after=None), safeguard="half of the nodes run")),
    "the library gave up": ("aborted", played(status="aborted", after=None)),
    "a probe raised before": ("probe_error", played(
        before=look(9, raised="no endpoint"), during=(), after=None, method=(), status="failed")),
    "a probe raised during": ("probe_error", played(during=(*GOOD.during, look(14, raised="x")))),
    "a probe raised after the rollback": ("probe_error", facts(restored=look(15, raised="x"))),
    "a probe of the method raised": ("probe_error", played(
        method=(*GOOD.method, Step(kind="probe", name="p", failed="x")))),
    "looks too far apart": ("probe_error", played(during=(look(10), look(10.2), look(10.8)))),
    "nobody looked": ("probe_error", played(during=())),
    "the baseline did not hold": ("baseline_not_met", facts(
        played=Played(status="completed", before=look(9, met=False), rollbacks=GOOD.rollbacks),
        injected=(), restored=None)),
    "it broke before the fault": ("baseline_not_met", played(during=broken(10.2))),
    "an action raised": ("action_failed", played(
        method=(Step(kind="action", name="kill", failed="no target"),))),
    "a fault not proven": ("action_failed", facts(
        injected=(msgspec.structs.replace(FAULT, proven=False),))),
    "nothing injected": ("action_failed", facts(injected=())),
    "a rollback raised": ("rollback_failed", played(
        rollbacks=(Step(kind="action", name="heal", failed="stuck"),))),
    "no rollback": ("rollback_failed", played(rollbacks=())),
    "a lease is open": ("not_restored", facts(open_leases=("01-node_kill",))),
    "a fault is not healed": ("not_restored", facts(not_healed="ad-1 does not come back")),
    "the state does not hold after the rollback": ("not_restored", facts(restored=look(15, met=False))),
    "nobody looked after the rollback": ("not_restored", facts(restored=None)),
    "too slow to recover": ("deviated", played(during=broken(10.6, 11.8))),
    "broken at the end": ("deviated", played(after=look(14.2, met=False))),
    "a probe of the method said no": ("deviated", played(
        method=(*GOOD.method, Step(kind="probe", name="shut", said_no=True)))),
    "nobody looked at the end": ("deviated", played(after=None)),
}  # fmt: skip


def test_a_run_in_which_every_check_was_made_and_found_nothing_passes() -> None:
    """No reason, exit 0; a short break after the fault is what failover looks like, and is measured."""
    assert judge(FACTS).verdict == "passed"
    judged = judge(played(during=broken(10.6, 10.8)))
    assert (judged.verdict, judged.reasons) == ("passed", ())
    assert judged.recoveries[0].rto_s == pytest.approx(0.35)
    assert exit_code("passed", ()) == 0


@pytest.mark.parametrize("case", sorted(CASES))
def test_each_reason_is_reported_as_itself(case: str) -> None:
    """The facts of the case make this reason and no other the verdict, with words to it."""
    expected, given_facts = CASES[case]
    judged = judge(given_facts)
    assert judged.verdict == expected
    assert judged.reasons[0].text
    assert {reason.id for reason in judged.reasons} == {expected}


def test_a_broken_time_limit_on_a_starved_machine_proves_nothing() -> None:
    """The deviation stands beside it; a run that kept its limits is not touched by starvation."""
    late = msgspec.structs.replace(played(during=broken(10.6, 11.8)), starved_s=2)
    assert [reason.id for reason in judge(late).reasons] == ["probe_error", "deviated"]
    assert judge(facts(starved_s=5)).verdict == "passed"


def test_every_reason_of_a_judged_run_has_a_case() -> None:
    """The closed list, but for the refusals, which are no verdicts over a run."""
    covered = {expected for expected, _ in CASES.values()}
    assert covered == {it for it in get_args(ChaosReasonId) if not it.startswith("refused_")}


@pytest.mark.parametrize(
    ("first", "second"),
    [*itertools.combinations([it for it in ORDER if "refused" not in it], 2)],
)
def test_the_earlier_reason_is_the_verdict(first: ChaosReasonId, second: ChaosReasonId) -> None:
    """Facts of two cases together are judged by the one that comes first in the order."""
    mixed = {
        "error": {"fell_over": "x"},
        "interrupted": {"died": True},
        "aborted": {"safeguard": "s"},
        "probe_error": {"during": (*GOOD.during, look(14, raised="x"))},
        "baseline_not_met": {"before": look(9, met=False)},
        "action_failed": {"method": (Step(kind="action", name="k", failed="x"),)},
        "rollback_failed": {"rollbacks": (Step(kind="action", name="h", failed="x"),)},
        "not_restored": {"open_leases": ("01",)},
        "deviated": {"after": look(14.2, met=False)},
    }
    changes = {**mixed[second], **mixed[first]}
    of_journal = {key: it for key, it in changes.items() if hasattr(GOOD, key)}
    of_facts = {key: it for key, it in changes.items() if key not in of_journal}
    judged = judge(
        facts(played=msgspec.structs.replace(GOOD, **of_journal), **of_facts)
    )  # fmt: skip
    assert judged.verdict == first
    assert second in {reason.id for reason in judged.reasons}


def test_each_fault_answers_for_its_own_time() -> None:
    """A break belongs to the last fault before it; the next fault starts a new account."""
    second = msgspec.structs.replace(FAULT, id="02-node_kill", at_s=12.1)
    judged = judge(
        msgspec.structs.replace(played(during=broken(10.6, 13.4)), injected=(FAULT, second))
    )
    assert [(it.fault, round(it.rto_s, 2)) for it in judged.recoveries] == [
        ("01-node_kill", 0.15),
        ("02-node_kill", 1.35),
    ]
    assert judged.verdict == "deviated"
    assert "02-node_kill" in judged.reasons[0].text


@given(
    st.lists(st.booleans(), max_size=30),
    st.lists(st.floats(10, 16), max_size=3),
    st.booleans(),
    st.sampled_from(["completed", "failed", "aborted", "interrupted", ""]),
)
def test_no_run_passes_with_a_break_that_is_too_long(
    met: list[bool],
    faults: list[float],
    looked: bool,  # noqa: FBT001 - hypothesis passes by name
    status: str,
) -> None:
    """Whatever the facts: passed means completed looks, a proven fault, and every break within its limit."""
    during = tuple(look(10 + n / 5, met=it) for n, it in enumerate(met))
    injected = tuple(
        Injected(id=str(n), at_s=at, proven=True, proof="") for n, at in enumerate(faults)
    )
    judged = judge(
        facts(
            played=msgspec.structs.replace(GOOD, during=during, status=status), injected=injected,
            restored=look(17) if looked else None,
        )
    )  # fmt: skip
    assert (judged.verdict == "passed") == (judged.reasons == ())
    if judged.verdict == "passed":
        assert faults
        assert looked
        assert status in {"completed", "failed", ""}
        assert all(it.rto_s <= 1.0 for it in judged.recoveries)
        first_s = min(faults)
        assert all(it.met or it.end_s >= first_s for it in during)


@pytest.mark.parametrize(
    ("verdict", "ids", "code"),
    [
        ("passed", (), 0),
        ("deviated", ("deviated",), 1),
        ("error", ("error",), 3),
        ("probe_error", ("probe_error", "deviated"), 3),
        ("refused", ("refused_freeze",), 3),
        ("refused", ("refused_faults",), 5),
        ("interrupted", ("interrupted",), 4),
        ("aborted", ("aborted",), 4),
        ("rollback_failed", ("rollback_failed",), 3),
        ("not_restored", ("not_restored",), 5),
        ("interrupted", ("interrupted", "not_restored"), 5),
    ],
)
def test_exit_codes(verdict: str, ids: tuple[str, ...], code: int) -> None:
    """A fault that is not healed outranks every verdict."""
    reasons = tuple(ChaosReason(id=it, text="x") for it in ids)
    assert exit_code(verdict, reasons) == code
