"""The faults of a demo, injected when the schedule says so and told to the reader as they happen."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from chaos.faults import FaultError, Faults, NotHealedError, open_faults
from cli.demo_options import (
    DROP_ATTEMPTS,
    DROP_SHARE,
    NODE_SHARE,
    DemoOptions,
    Schedule,
    schedule,
)
from cli.demo_traffic import Traffic
from contracts.cloud import CloudState
from contracts.fault import FaultRecord
from contracts.load import LoadSummary

Say = Callable[[str], None]


def inject_on_schedule(
    options: DemoOptions, state: CloudState, traffic: Traffic, say: Say
) -> tuple[tuple[FaultRecord, ...], LoadSummary]:
    """Inject and heal every fault while `traffic` runs to its end. Raises `FaultError`, `TrafficError`.

    Dead nodes and lost order answers are healed when the traffic is over, the rest at their own time.
    """
    when = schedule(options.duration_s)
    cloud = Path(state.root) / "state.json"
    with contextlib.closing(open_faults(traffic.folder, cloud, seed=options.seed)) as faults:
        traffic.wait_until(when.drop_s)
        faults.response_drop(share=DROP_SHARE, attempts=DROP_ATTEMPTS, seed=options.seed)
        say(f"{DROP_SHARE:.0%} of order answers are lost after commit from now on")
        traffic.wait_until(when.kill_s)
        killed = faults.node_kill(share=NODE_SHARE, seed=options.seed)
        say(f"[bold]killed {len(killed.record.targets)} ad nodes[/] ({_names(killed.record)})")
        _cut_link(faults, when, traffic, say)
        missed: list[FaultRecord] = []
        for at_s in (when.bridge_first_s, when.bridge_second_s):
            traffic.wait_until(at_s)
            try:
                _kill_bridge(faults, say, transactional=options.without != "eos")
            except NotHealedError:
                raise
            except FaultError as error:
                say(f"[red]bridge not killed[/]: {error}")
                missed.append(_missed(str(error)))
        summary = traffic.finish()
    return (*faults.records(), *missed), summary


def _missed(why: str) -> FaultRecord:
    """A fault that never took effect: nothing to heal, nothing proven, so the run is INVALID."""
    now_ns = time.monotonic_ns()
    return FaultRecord(
        id="missed",
        kind="bridge_kill",
        targets=(),
        injected_mono_ns=now_ns,
        healed_mono_ns=now_ns,
        proven=False,
        proof=why,
    )


def _cut_link(faults: Faults, when: Schedule, traffic: Traffic, say: Say) -> None:
    traffic.wait_until(when.cut_s)
    cut = faults.link_cut()
    say(f"[bold]link cut[/] both ways for {when.heal_s - when.cut_s:.1f} s")
    traffic.wait_until(when.heal_s)
    cut.heal()
    say("link healed")


def _kill_bridge(faults: Faults, say: Say, *, transactional: bool) -> None:
    kill = faults.bridge_kill(transactional=transactional)
    say(
        "[bold]bridge killed[/] inside an open transaction"
        if transactional
        else "[bold]bridge killed[/]"
    )
    kill.heal()
    downtime_s = (kill.record.healed_mono_ns - kill.record.injected_mono_ns) / 1e9
    say(f"bridge serves again after {downtime_s:.1f} s")


def _names(record: FaultRecord) -> str:
    return ", ".join(record.targets)
