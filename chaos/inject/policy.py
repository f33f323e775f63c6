"""Another policy put in force on running routers, or a broken one offered: proven by what the routers say of it."""

from pathlib import Path

import msgspec
import yaml

from chaos.faults import TTL_S, Fault, FaultError, Faults
from chaos.lifecycle import NotHealedError, fault_errors, fault_record
from chaos.routers import ROUTERS, digests, put_policy
from contracts.fault import FaultRecord, Lease

BROKEN = "version: isthmus/v1\nsites: [\n"
MARK_PATHS = ["/chaos-policy-swap/**"]


class _Routed(msgspec.Struct):
    """What is needed of a policy file to add one route."""

    routes: list[dict[str, object]]


def stricter(text: str) -> str:
    """The policy with one route more, of the sensitive class, for a path nobody uses. Raises `FaultError`."""
    try:
        whole = msgspec.convert(yaml.safe_load(text), dict[str, object])
        routes = msgspec.convert(whole, _Routed).routes
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise FaultError(f"policy_swap: expected a policy with routes: {error}") from error
    service = next((it["service"] for it in routes if it.get("class") == "sensitive"), "")
    route = {
        "id": "chaos-policy-swap", "match": {"paths": MARK_PATHS}, "class": "sensitive",
        "service": service,
    }  # fmt: skip
    return yaml.safe_dump({**whole, "routes": [*routes, route]}, sort_keys=False)


def swap_policy(faults: Faults, *, broken: bool = False, ttl_s: float = TTL_S) -> Fault:
    """Put a stricter policy in force everywhere, or offer a `broken` one that must be refused.

    Proven when every router has the new digest, or when every router refused and kept the old one.
    """
    with fault_errors("policy_swap"):
        text = Path(faults.cloud.state().policy).read_text()
        before = digests(faults.cloud)
    if "" in before.values() or len(set(before.values())) != 1:
        raise FaultError(f"policy_swap: expected one policy on every router before, found {before}")
    offered = BROKEN if broken else stricter(text)
    lease = faults.take("policy_swap", ROUTERS, ttl_s=ttl_s, broken=broken, text=text)

    def inject(lease: Lease) -> FaultRecord:
        at_mono_ns = faults.clock.mono_ns()
        answered = put_policy(faults.cloud, offered)
        now = digests(faults.cloud)
        if broken:
            proven = now == before and set(answered.values()) == {409}
            proof = f"offered a broken policy: {answered}, digests {'kept' if proven else now}"
        else:
            same = len(set(now.values())) == 1
            proven = (
                same and "" not in now.values() and not set(now.values()) & set(before.values())
            )
            proof = f"policy {min(before.values())[:12]} became {now}"
        return fault_record(lease, at_mono_ns, proven=proven, proof=proof)

    def prove(record: FaultRecord) -> tuple[bool, str]:
        if (now := digests(faults.cloud)) != before:
            raise NotHealedError(f"policy_swap: expected the first policy again, found {now}")
        return record.proven, "the first policy is in force again"

    return faults.put(lease, inject, prove)
