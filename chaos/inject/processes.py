"""SIGKILL or SIGSTOP of a share of the processes of one kind, proven by looking at each victim."""

import signal
from collections.abc import Callable
from typing import Literal

import msgspec

from chaos.asking import Question, ask
from chaos.cloud import http_address
from chaos.decide import Refusal, choose_victims
from chaos.faults import TTL_S, Fault, FaultError, Faults
from chaos.lifecycle import fault_errors, fault_record
from chaos.probes import port_refuses
from chaos.processes import is_stopped
from contracts.cloud import ProcessRecord, Role
from contracts.fault import FaultKind, FaultRecord, Lease
from runtime.processes import is_running, signal_process

GONE_S_MAX = 5.0
SILENCE_S = 0.3
"""A node on loopback answers in 2 ms; one that says nothing for this long is stopped, not slow."""
POLL_S = 0.005

Blow = Literal["kill", "stop"]
_KINDS: dict[Blow, FaultKind] = {"kill": "process_kill", "stop": "process_stop"}


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """Which processes, how many of them, and how many must stay whole; `site` empty means any."""

    role: Role
    site: Literal["public", "private", ""] = ""
    share: float = 1.0
    healthy_min: int = 0
    seed: int | None = None


def strike(faults: Faults, blow: Blow, aim: Aim, *, ttl_s: float = TTL_S) -> Fault:
    """Kill or stop a random share; `heal` starts or continues them. Raises `FaultError` if there is no target."""
    kind = _KINDS[blow]
    seed = faults.seed(aim.seed)
    with fault_errors(kind):
        there = {
            it.name: it
            for it in faults.cloud.processes(aim.role, aim.site)
            if is_running(it.pid, it.start_ticks) and not is_stopped(it.pid)
        }
    choice = choose_victims(
        tuple(there), share=aim.share, seed=seed, healthy_min=aim.healthy_min
    )  # fmt: skip
    if isinstance(choice, Refusal):
        raise FaultError(f"{kind}: {choice.reason}")
    victims = tuple(there[name] for name in choice.names)
    lease = faults.take(kind, choice.names, ttl_s=ttl_s, share=aim.share, seed=seed)
    look = _is_gone if blow == "kill" else _is_grey
    signum = signal.SIGKILL if blow == "kill" else signal.SIGSTOP

    def inject(lease: Lease) -> FaultRecord:
        at_mono_ns = faults.clock.mono_ns()
        for victim in victims:
            signal_process(victim.pid, victim.start_ticks, signum)
        left = _wait(faults, victims, look)
        hit = len(victims) - len(left)
        proof = (
            f"{hit} of {len(there)} {aim.role} processes seen "
            f"{'dead' if blow == 'kill' else 'stopped and silent'}: {', '.join(choice.names)}; seed {seed}"
        )
        return fault_record(lease, at_mono_ns, proven=not left, proof=proof)

    return faults.put(lease, inject)


def _wait(
    faults: Faults, victims: tuple[ProcessRecord, ...], look: Callable[[ProcessRecord], bool]
) -> tuple[ProcessRecord, ...]:
    deadline_ns = faults.clock.mono_ns() + int(GONE_S_MAX * 1e9)
    left = victims
    while left and faults.clock.mono_ns() < deadline_ns:
        left = tuple(victim for victim in left if not look(victim))
        if left:
            faults.clock.sleep(POLL_S)
    return left


def _is_gone(victim: ProcessRecord) -> bool:
    if is_running(victim.pid, victim.start_ticks):
        return False
    address = http_address(victim)
    return not address or port_refuses(address, timeout_s=0.2)


def _is_grey(victim: ProcessRecord) -> bool:
    """Stopped, and if it serves HTTP: it accepts and says nothing."""
    if not is_stopped(victim.pid):
        return False
    address = http_address(victim)
    question = Question(target="/healthz")
    return not address or ask(address, question, timeout_s=SILENCE_S).end == "silent"
