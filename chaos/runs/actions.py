"""The actions an experiment may name. Each injects one fault under a lease and fails if it is not seen to work."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from chaos.faults import Fault, FaultError
from chaos.inject.links import LinkTrouble, trouble
from chaos.inject.policy import swap_policy as _swap_policy
from chaos.inject.processes import Aim, strike
from chaos.inject.warehouse import close_warehouse as _close_warehouse
from chaos.runs.session import faults_of, ttl_of
from chaos.runs.vocabulary import Entry, words
from contracts.cloud import Role

Configuration = Mapping[str, object]
"""What Chaos Toolkit hands every function that asks for it."""
Outcome = dict[str, object]
"""The fault's record, as it goes into the journal."""
Site = Literal["public", "private"]


def _proven(fault: Fault, *, later: bool = False) -> Outcome:
    if not fault.record.proven and not later:
        raise FaultError(f"{fault.record.id}: not seen to take effect: {fault.record.proof}")
    return msgspec.to_builtins(fault.record)


def kill_nodes(configuration: Configuration, share: float = 0.3, healthy_min: int = 1) -> Outcome:
    """SIGKILL a random share of the public ad nodes."""
    faults, ttl_s = faults_of(configuration), ttl_of(configuration)
    return _proven(faults.node_kill(share=share, healthy_min=healthy_min, ttl_s=ttl_s))


def stop_nodes(configuration: Configuration, share: float = 0.3, healthy_min: int = 1) -> Outcome:
    """SIGSTOP a random share of the public ad nodes: they accept and never answer."""
    aim = Aim(role="ads", site="public", share=share, healthy_min=healthy_min)
    return _proven(strike(faults_of(configuration), "stop", aim, ttl_s=ttl_of(configuration)))


def kill_processes(
    configuration: Configuration, role: Role, site: Site, share: float = 1.0
) -> Outcome:
    """SIGKILL a random share of the processes of one role at one site: a broker, a router."""
    aim = Aim(role=role, site=site, share=share)
    return _proven(strike(faults_of(configuration), "kill", aim, ttl_s=ttl_of(configuration)))


def kill_bridge(configuration: Configuration) -> Outcome:
    """SIGKILL the bridge inside an open transaction."""
    faults = faults_of(configuration)
    return _proven(faults.bridge_kill(ttl_s=ttl_of(configuration)))


def cut_link(configuration: Configuration) -> Outcome:
    """Black-hole the site link both ways."""
    return _proven(faults_of(configuration).link_cut(ttl_s=ttl_of(configuration)))


def cut_one_way(configuration: Configuration, direction: Literal["up", "down"] = "down") -> Outcome:
    """Black-hole the site link one way: `up` is towards the public site."""
    return _relay(configuration, "link", LinkTrouble(hole=True, direction=direction))


def slow_link(  # noqa: PLR0913 - one argument for each thing that can be slow about a link
    configuration: Configuration,
    *,
    relay: Literal["link", "tap"] = "link",
    listeners: str = "*",
    delay_ms: float = 0.0,
    jitter_ms: float = 0.0,
    rate_bytes_s: int = 0,
) -> Outcome:
    """Delay every byte by `delay_ms` each way and let no more than a rate through."""
    slow = LinkTrouble(
        listeners=listeners, delay_ms=delay_ms, jitter_ms=jitter_ms, rate_bytes_s=rate_bytes_s
    )
    return _relay(configuration, relay, slow)


def lossy_link(
    configuration: Configuration, share: float, relay: Literal["link", "tap"] = "link"
) -> Outcome:
    """Let a share of new connections hang."""
    return _relay(configuration, relay, LinkTrouble(drop_share=share))


def reset_link(configuration: Configuration, listeners: str = "*") -> Outcome:
    """End every connection through the site link, and each new one, with RST."""
    return _relay(configuration, "link", LinkTrouble(reset=True, listeners=listeners))


def _relay(
    configuration: Configuration, relay: Literal["link", "tap"], what: LinkTrouble
) -> Outcome:
    faults, ttl_s = faults_of(configuration), ttl_of(configuration)
    return _proven(trouble(faults, what, relay=f"{relay}.control", ttl_s=ttl_s))


def lose_answers(configuration: Configuration, share: float = 0.1) -> Outcome:
    """Lose the answers to a share of orders after commit; proven by the service's count when healed."""
    faults = faults_of(configuration)
    return _proven(faults.response_drop(share=share, ttl_s=ttl_of(configuration)), later=True)


def close_warehouse(configuration: Configuration) -> Outcome:
    """Close the warehouse to everybody; the ledger beside it goes on."""
    return _proven(_close_warehouse(faults_of(configuration), ttl_s=ttl_of(configuration)))


def swap_policy(configuration: Configuration) -> Outcome:
    """Put a stricter policy in force on every router."""
    return _proven(_swap_policy(faults_of(configuration), ttl_s=ttl_of(configuration)))


def offer_broken_policy(configuration: Configuration) -> Outcome:
    """Offer every router a policy that does not read; each has to refuse it and keep the one in force."""
    faults = faults_of(configuration)
    offered = _swap_policy(faults, broken=True, ttl_s=ttl_of(configuration))
    offered.heal()  # it has shown what there is to see; a file that does not read is not left lying
    return _proven(offered)


def heal(configuration: Configuration) -> list[Outcome]:
    """Heal everything of this run that is in force."""
    return [msgspec.to_builtins(it) for it in faults_of(configuration).heal_all()]


ACTIONS = words(
    Entry(kind="action", func=kill_nodes, site="public", is_fault=True),
    Entry(kind="action", func=stop_nodes, site="public", is_fault=True),
    Entry(kind="action", func=kill_processes, site="argument", is_fault=True),
    Entry(kind="action", func=kill_bridge, site="private", is_fault=True),
    Entry(kind="action", func=cut_link, site="link", is_fault=True),
    Entry(kind="action", func=cut_one_way, site="link", is_fault=True),
    Entry(kind="action", func=slow_link, site="link", is_fault=True),
    Entry(kind="action", func=lossy_link, site="link", is_fault=True),
    Entry(kind="action", func=reset_link, site="link", is_fault=True),
    Entry(kind="action", func=lose_answers, site="private", is_fault=True),
    Entry(kind="action", func=close_warehouse, site="private", is_fault=True),
    Entry(kind="action", func=swap_policy, site="private", is_fault=True),
    Entry(kind="action", func=offer_broken_policy, site="private", is_fault=True),
    Entry(kind="action", func=heal),
)
