"""One pod's life: order of set-up, init containers, the way out, phases; a simulated node that never misbehaves."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.agent_machine import (
    Forget,
    Look,
    SetUp,
    TearDown,
    Verdict,
    container_of,
    decide,
    is_over,
    new_state,
    phase_of,
    with_failed_start,
    with_sandbox,
    with_start,
    without_sandbox,
)
from local.agent_slot import Absent, Exited, Kill, Running, Start, Terminate
from tests.local.agents import container, pod

DELETED = {"deletion_timestamp": "2026-01-01T00:00:00Z", "deletion_grace_period_seconds": 5}


class Node:
    """Does what the machine says, with processes in memory."""

    def __init__(self, thing) -> None:
        self.pod, self.now_s = thing, 100.0
        self.state = new_state(thing, now_s=self.now_s)
        self.seen, self.verdicts = {}, {}
        self.gone = False
        self.done: list = []

    def look(self):
        look = Look(now_s=self.now_s, seen=dict(self.seen), verdicts=self.verdicts, gone=self.gone)
        self.state, actions = decide(self.pod, self.state, look)
        for action in actions:
            self.act(action)
        return list(actions)

    def act(self, action) -> None:
        self.done.append(action)
        match action:
            case SetUp():
                assert not self.state.sandbox
                self.state = with_sandbox(self.state, up=True)
            case Start(name=name):
                assert self.state.sandbox
                assert not isinstance(self.seen.get(name), Running)
                self.seen[name] = Running(started_s=self.now_s)
                self.state = with_start(self.state, action, now_s=self.now_s)
            case Kill(name=name):
                self.seen[name] = Absent()
            case TearDown():
                assert not any(isinstance(it, Running) for it in self.seen.values())
                self.state = with_sandbox(self.state, up=False)
            case Terminate() | Forget():
                pass

    def exit(self, name, code) -> None:
        self.seen[name] = Exited(code=code, started_s=self.now_s, finished_s=self.now_s)

    def settle(self, looks=6) -> None:
        for _ in range(looks):
            self.look()


def test_the_sandbox_comes_first_then_all_containers_at_once() -> None:
    """No process before its namespace, address and ruleset."""
    node = Node(pod(container("a"), container("b")))
    assert node.look() == [SetUp()]
    assert node.look() == [Start(name="a", attempt=1), Start(name="b", attempt=1)]
    assert node.look() == []
    assert phase_of(node.pod, node.state) == "Running"


def test_init_containers_run_one_after_another_before_the_others() -> None:
    """Each must succeed; a failed one is restarted, and the others wait."""
    node = Node(pod(container("main"), init_containers=(container("i1"), container("i2"))))
    node.look()
    assert node.look() == [Start(name="i1", attempt=1)]
    assert phase_of(node.pod, node.state) == "Pending"
    node.exit("i1", 1)
    node.look()
    assert node.look() == [Start(name="i1", attempt=2)]
    node.exit("i1", 0)
    assert node.look() == []
    assert node.look() == [Start(name="i2", attempt=1)]
    node.exit("i2", 0)
    assert node.look() == []
    assert node.look() == [Start(name="main", attempt=1)]
    node.exit("main", 1)
    node.settle()
    assert [it.name for it in node.done if isinstance(it, Start)] == [
        "i1",
        "i1",
        "i2",
        "main",
        "main",
    ]


def test_an_init_container_that_failed_for_good_fails_the_pod() -> None:
    """RestartPolicy Never: the main container never runs, the sandbox goes."""
    node = Node(pod(container("main"), init_containers=(container("i"),), restart_policy="Never"))
    node.settle(2)
    node.exit("i", 4)
    node.settle()
    assert phase_of(node.pod, node.state) == "Failed"
    assert TearDown() in node.done
    assert not any(isinstance(it, Start) and it.name == "main" for it in node.done)


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [("Never", 0, "Succeeded"), ("Never", 2, "Failed"), ("OnFailure", 0, "Succeeded"),
     ("OnFailure", 2, "Running"), ("Always", 0, "Running")],
)  # fmt: skip
def test_phases_after_the_only_container_ended(policy, code, phase) -> None:
    """The restart policy decides whether an end is the end; then the namespace is given back."""
    node = Node(pod(restart_policy=policy))
    node.settle(2)
    node.exit("web", code)
    node.look()
    assert phase_of(node.pod, node.state) == phase
    assert (TearDown() in node.done) == (phase != "Running")
    assert Forget() not in node.done


def test_deletion_ends_all_waits_for_the_grace_then_kills_and_forgets() -> None:
    """SIGTERM, SIGKILL after the grace, sandbox, API object: in this order."""
    node = Node(pod(container("a"), container("b")))
    node.settle(2)
    node.pod = pod(container("a"), container("b"), meta=DELETED)
    assert node.look() == [Terminate(name="a"), Terminate(name="b")]
    node.exit("a", 0)
    node.now_s += 4.9
    assert node.look() == []
    node.now_s += 0.2
    assert node.look() == [Kill(name="b")]
    node.settle()
    rest = [it for it in node.done if isinstance(it, TearDown | Forget)]
    assert rest[0] == TearDown()
    assert Forget() in rest


def test_a_pod_the_api_forgot_is_killed_at_once() -> None:
    """A force delete gives no grace: the name may already run elsewhere."""
    node = Node(pod())
    node.settle(2)
    node.gone = True
    assert node.look() == [Terminate(name="web")]
    assert node.look() == [Kill(name="web")]
    node.settle()
    assert node.done[-1] == Forget()


def test_a_pod_deleted_before_it_ran_is_forgotten_without_a_start() -> None:
    """Nothing is made for what is going."""
    node = Node(pod(meta=DELETED))
    assert node.look() == [Forget()]


def test_the_deadline_fails_the_pod_and_stays_the_reason() -> None:
    """activeDeadlineSeconds: ended, Failed, never started again."""
    node = Node(pod(active_deadline_seconds=60, termination_grace_period_seconds=2))
    node.settle(2)
    node.now_s += 60
    assert node.look() == [Terminate(name="web")]
    node.exit("web", 0)
    node.settle()
    assert phase_of(node.pod, node.state) == "Failed"
    assert node.state.stop_reason == "DeadlineExceeded"
    assert is_over(node.pod, node.state)


def test_a_sandbox_that_cannot_be_made_says_why_and_is_tried_again() -> None:
    """Not in a tight loop."""
    node = Node(pod())
    state, actions = decide(node.pod, node.state, Look(now_s=100, seen={}, verdicts={}))
    assert actions == (SetUp(),)
    state = without_sandbox(state, reason="ContainerCreating", message="no nft", now_s=100)
    assert state.slots[0].message == "no nft"
    assert decide(node.pod, state, Look(now_s=101, seen={}, verdicts={}))[1] == ()
    assert decide(node.pod, state, Look(now_s=102, seen={}, verdicts={}))[1] == (SetUp(),)


def test_a_container_that_cannot_be_made_says_why_and_is_tried_again() -> None:
    """A ConfigMap may appear later."""
    node = Node(pod())
    node.look()
    start = Start(name="web", attempt=1)
    state = with_failed_start(
        node.state, start, reason="CreateContainerConfigError", message="m", now_s=100
    )
    assert state.slots[0].reason == "CreateContainerConfigError"
    assert decide(node.pod, state, Look(now_s=101, seen={}, verdicts={}))[1] == ()
    assert decide(node.pod, state, Look(now_s=102, seen={}, verdicts={}))[1] == (start,)
    assert phase_of(node.pod, state) == "Pending"


def test_probes_decide_readiness_and_restarts() -> None:
    """A verdict is seen in the state at the next look; its own grace wins over the pod's."""
    node = Node(pod())
    node.settle(2)
    node.verdicts = {"web": Verdict(ready=False)}
    node.look()
    assert not node.state.slots[0].ready
    node.verdicts = {"web": Verdict(sick="bad", grace_s=1.0)}
    assert node.look() == [Terminate(name="web")]
    assert node.state.slots[0].due_s == node.now_s + 1.0


def test_what_runs_when_an_agent_comes_back_is_taken_over() -> None:
    """The start was made but not recorded: it is not made twice."""
    node = Node(pod())
    node.look()
    node.seen["web"] = Running(started_s=99.0)
    assert node.look() == []
    assert node.state.slots[0].stage == "running"
    assert node.state.slots[0].attempt == 1


def test_a_state_survives_its_file() -> None:
    """What is recorded is what is read."""
    node = Node(pod(init_containers=(container("i"),)))
    node.settle()
    data = msgspec.json.encode(node.state)
    assert msgspec.json.decode(data, type=type(node.state)) == node.state


def test_a_container_is_found_by_name() -> None:
    """Init containers too; an unknown name is an error."""
    one = pod(container("a"), init_containers=(container("i"),))
    assert container_of(one, "i").name == "i"
    with pytest.raises(KeyError):
        container_of(one, "z")


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("exit"), st.sampled_from(["i", "a", "b"]), st.integers(0, 2)),
        st.tuples(st.just("lost"), st.sampled_from(["i", "a", "b"])),
        st.tuples(st.just("sick"), st.sampled_from(["a", "b"])),
        st.tuples(st.just("wait"), st.floats(0.1, 50)),
        st.tuples(st.just("delete")),
        st.tuples(st.just("gone")),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(events=EVENTS, policy=st.sampled_from(["Always", "OnFailure", "Never"]))
def test_any_history_ends_with_nothing_left(events, policy) -> None:
    """The node's own assertions hold throughout, and a deleted pod always comes to Forget with all torn down."""
    spec = {"init_containers": (container("i"),), "restart_policy": policy}
    node = Node(pod(container("a"), container("b"), **spec))
    for event in events:
        match event:
            case ("exit", name, code) if isinstance(node.seen.get(name), Running):
                node.exit(name, code)
            case ("lost", name) if isinstance(node.seen.get(name), Running):
                node.seen[name] = Absent()
            case ("sick", name):
                node.verdicts = {name: Verdict(sick="sick")}
            case ("wait", seconds):
                node.now_s += seconds
            case ("delete",):
                node.pod = pod(container("a"), container("b"), meta=DELETED, **spec)
            case ("gone",):
                node.gone = True
        node.look()
        node.verdicts = {}
        if any(it.attempt for it in node.state.slots if not it.init):
            init = node.state.slots[0]
            assert init.end is not None
            assert init.end.code == 0
    node.gone = True
    node.settle(4)
    node.now_s += 1
    node.settle(4)
    assert node.done[-1] == Forget()
    assert not node.state.sandbox
    assert not any(isinstance(it, Running) for it in node.seen.values())
