"""Twin of chaos/routers.py: two real routers."""

from chaos.routers import digests, put_policy, reload_all
from tests.chaos.routers import add_routers
from tests.chaos.stage import Stage


def test_routers_say_their_policy_and_read_it_again(set_stage: Stage) -> None:
    """A new file is in force on both after one order; a broken one is refused and changes nothing."""
    policy = add_routers(set_stage)
    set_stage.save(policy=str(policy))
    before = digests(set_stage.cloud)
    assert len(set(before.values())) == 1
    text = policy.read_text()
    assert put_policy(set_stage.cloud, text.replace("cookies: [ab]", "cookies: [ab, cd]")) == {
        "core": 200,
        "edge": 200,
    }
    after = digests(set_stage.cloud)
    assert len(set(after.values())) == 1
    assert after != before
    assert put_policy(set_stage.cloud, "sites: [") == {"core": 409, "edge": 409}
    assert digests(set_stage.cloud) == after
    assert not list(set_stage.root.glob("*.tmp"))


def test_a_router_that_does_not_answer_has_no_policy(set_stage: Stage) -> None:
    """It is not guessed, and a reload of it has no status."""
    for router in ("core", "edge"):
        set_stage.endpoint(f"{router}.probe", "127.0.6.1:1")
        set_stage.endpoint(f"{router}.admin", str(set_stage.root / "none.sock"))
    set_stage.save()
    assert digests(set_stage.cloud) == {"core": "", "edge": ""}
    assert reload_all(set_stage.cloud) == {"core": 0, "edge": 0}
