"""Twin of chaos/faults.py: every fault on real processes, injected, proven, healed."""

import contextlib
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from chaos.faults import FaultError, Faults, NotHealedError, open_faults
from chaos.journal import Journal
from chaos.leases import Leases
from chaos.probes import port_refuses
from runtime.processes import is_running, signal_process
from runtime.ready import read_ready
from tests.chaos.stage import HOST, ROOT, Stage, eventually, state_of
from tests.engines import KafkaBroker


@pytest.fixture
def faults(full_stage: Stage) -> Iterator[Faults]:
    with contextlib.closing(
        open_faults(full_stage.root / "run", full_stage.path, seed=7)
    ) as opened:
        yield opened
    assert Leases(full_stage.root / "run/leases").open_leases() == ()


def ads_running(stage: Stage) -> set[str]:
    return {it.name for it in stage.cloud.processes("ads") if is_running(it.pid, it.start_ticks)}


def test_a_share_of_the_nodes_dies_and_comes_back(full_stage: Stage, faults: Faults) -> None:
    """Two of five are gone and refuse, the record proves it, and the heal brings them back in place."""
    before = {it.name: it for it in full_stage.cloud.processes("ads")}
    kill = faults.node_kill(share=0.4, seed=3)
    assert kill.record.proven
    assert "2 of 5 ad nodes killed" in kill.record.proof
    assert ads_running(full_stage) == set(before) - set(kill.record.targets)
    address = read_ready(Path(before[kill.record.targets[0]].ready)).addresses["http"]
    assert port_refuses(address, timeout_s=1)
    again = faults.node_kill(share=0.4, seed=3)
    assert len(again.record.targets) == 1
    assert not set(again.record.targets) & set(kill.record.targets)
    kill.heal()
    again.heal()
    assert ads_running(full_stage) == set(before)
    assert not port_refuses(address, timeout_s=1)


def test_nodes_of_other_kinds_and_too_few_nodes_are_spared(
    full_stage: Stage, faults: Faults
) -> None:
    """Only ad nodes are targets; a kill that leaves too few is refused with nothing killed."""
    with pytest.raises(FaultError, match="expected 5"):
        faults.node_kill(share=0.3, healthy_min=5)
    assert len(ads_running(full_stage)) == 5
    for node in full_stage.cloud.processes("ads"):
        signal_process(node.pid, node.start_ticks, signal.SIGKILL)
    eventually(lambda: not ads_running(full_stage))
    with pytest.raises(FaultError, match="no target"):
        faults.node_kill()
    assert faults.records() == ()


def test_a_link_is_cut_and_healed_with_proof(full_stage: Stage, faults: Faults) -> None:
    """Answers before, silent during, answers after, each seen through the link itself."""
    cut = faults.link_cut()
    assert cut.record.proven
    assert "silent" in cut.record.proof
    healed = cut.heal()
    assert healed.proven
    assert healed.healed_mono_ns > healed.injected_mono_ns
    assert "answers again" in healed.proof
    assert Journal(full_stage.root / "run/faults.ndjson").records() == (healed,)


def test_a_link_that_was_dead_before_is_not_cut(full_stage: Stage, faults: Faults) -> None:
    """Silence that was there before proves nothing: refused."""
    full_stage.endpoint("kafka.public.link", f"{HOST}:9")
    full_stage.save()
    with pytest.raises(FaultError, match="expected an answer before the cut"):
        faults.link_cut()


def test_a_link_that_stays_silent_is_not_healed(full_stage: Stage) -> None:
    """The relay is whole, what it leads to is gone: said so, not passed over."""
    faults = open_faults(full_stage.root / "run", full_stage.path, seed=7)
    cut = faults.link_cut()
    relay = next(it for it in full_stage.cloud.state().processes if it.role == "relay")
    signal_process(relay.pid, relay.start_ticks, signal.SIGKILL)
    eventually(lambda: not is_running(relay.pid, relay.start_ticks))
    with pytest.raises(NotHealedError, match="after the heal"):
        cut.heal()
    with pytest.raises(NotHealedError, match="after the heal"):
        faults.close()


def test_dropped_answers_are_proven_by_the_services_count(faults: Faults) -> None:
    """Armed is not yet proven; healed, the count of the service is."""
    drop = faults.response_drop(share=0.5, attempts=3)
    assert not drop.record.proven
    assert drop.heal().proven
    assert "3 answers dropped" in drop.record.proof


def test_a_drop_that_hit_nobody_is_not_proven(set_stage: Stage) -> None:
    """The service counted nothing: the fault was not applied."""
    set_stage.orders("--dropped", "0")
    set_stage.save()
    with contextlib.closing(open_faults(set_stage.root / "run", set_stage.path, seed=1)) as faults:
        faults.response_drop()
    assert [record.proven for record in faults.records()] == [False]


def test_a_missing_endpoint_is_named(set_stage: Stage) -> None:
    """A cloud without the relay: the error names the endpoint."""
    set_stage.save()
    with contextlib.closing(open_faults(set_stage.root / "run", set_stage.path, seed=1)) as faults:
        with pytest.raises(FaultError, match=r"link\.control"):
            faults.link_cut()
        with pytest.raises(FaultError, match="one running bridge, found 0"):
            faults.bridge_kill()


def producing(stage: Stage, broker: KafkaBroker, *more: str) -> str:
    """A bridge stand-in that writes to `broker`; returns its topic."""
    records = f"public.c{uuid.uuid4().hex}"
    progress = f"west.{records.partition('.')[2]}.progress"
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for made in admin.create_topics([NewTopic(records, 2, 1), NewTopic(progress, 1, 1)]).values():
        made.result(10)
    ready = stage.root / "bridge.ready"
    script = (str(ROOT / "tests/chaos/producer.py"), "--bootstrap", broker.bootstrap)
    argv = ("--records", records, "--progress", progress, "--ready", str(ready), *more)
    stage.start("bridge", "bridge", (*script, *argv))
    stage.endpoint("kafka.private", broker.bootstrap)
    stage.save()
    eventually(ready.exists, within_s=30)
    return records


@pytest.mark.engines
@pytest.mark.parametrize("transactional", [True, False])
def test_a_bridge_dies_at_the_worst_moment_and_comes_back(
    set_stage: Stage, kafka_broker: KafkaBroker, *, transactional: bool
) -> None:
    """Twice in a row on a real broker: killed with the proof in hand, started again, ready."""
    topic = producing(set_stage, kafka_broker, *(() if transactional else ("--plain",)))
    with contextlib.closing(open_faults(set_stage.root / "run", set_stage.path, seed=5)) as faults:
        for _ in range(2):
            before = set_stage.cloud.named("bridge")
            kill = faults.bridge_kill(transactional=transactional)
            assert kill.record.proven, kill.record.proof
            assert not is_running(before.pid, before.start_ticks)
            assert transactional == (topic in kill.record.proof)
            kill.heal()
            assert set_stage.all_run()
    assert len({record.id for record in faults.records()}) == 2


@pytest.mark.engines
def test_an_idle_bridge_is_left_alone(set_stage: Stage, kafka_broker: KafkaBroker) -> None:
    """No transaction comes: the fault fails, and the bridge runs on, not stopped."""
    producing(set_stage, kafka_broker, "--idle")
    run = set_stage.root / "run"
    with (
        contextlib.closing(open_faults(run, set_stage.path, seed=5)) as faults,
        pytest.raises(FaultError, match="did not come"),
    ):
        faults.bridge_kill(deadline_s=0.5)
    assert set_stage.all_run()
    eventually(lambda: state_of(set_stage.cloud.named("bridge")) == "S")
    assert faults.records() == ()
