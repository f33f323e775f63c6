"""Twin of chaos/inject/policy.py: two real routers whose policy is swapped and put back."""

import contextlib

import pytest

from chaos.clock import SystemClock
from chaos.faults import FaultError, open_faults
from chaos.heal import heal_all
from chaos.inject.policy import stricter, swap_policy
from chaos.routers import digests
from tests.chaos.routers import add_routers
from tests.chaos.stage import ROOT, Stage


def test_a_policy_is_swapped_and_put_back(set_stage: Stage) -> None:
    """Both routers take the stricter one and refuse the broken one; `heal --all` puts the first back."""
    policy = add_routers(set_stage)
    set_stage.save(policy=str(policy))
    text, first = policy.read_text(), digests(set_stage.cloud)
    run = set_stage.root / "run"
    with contextlib.closing(open_faults(run, set_stage.path, seed=1)) as faults:
        swap = swap_policy(faults)
        assert swap.record.proven, swap.record.proof
        offered = swap_policy(faults, broken=True)
        assert offered.record.proven, offered.record.proof
        offered.heal()
        assert len(set(digests(set_stage.cloud).values())) == 1
        assert digests(set_stage.cloud) != first
        assert heal_all(run / "leases", SystemClock()).failed == {}
        assert policy.read_text() == text
        assert digests(set_stage.cloud) == first


def test_routers_that_disagree_are_not_swapped(set_stage: Stage) -> None:
    """A swap on top of a half-done one would prove nothing; nothing is written."""
    policy = set_stage.root / "policy.yaml"
    policy.write_text("version: isthmus/v1\n")
    for router in ("core", "edge"):
        set_stage.endpoint(f"{router}.probe", "127.0.6.1:1")
    set_stage.save(policy=str(policy))
    with (
        contextlib.closing(open_faults(set_stage.root / "run", set_stage.path, seed=1)) as faults,
        pytest.raises(FaultError, match="expected one policy on every router"),
    ):
        swap_policy(faults)
    assert policy.read_text() == "version: isthmus/v1\n"


def test_the_stricter_policy_only_adds_a_sensitive_route() -> None:
    """What was there stays as it was; a file without routes is refused."""
    text = (ROOT / "local/policy.yaml").read_text()
    assert "chaos-policy-swap" in stricter(text)
    with pytest.raises(FaultError, match="expected a policy with routes"):
        stricter("version: isthmus/v1\n")
