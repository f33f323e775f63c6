"""A relay made slow, narrow, lossy, one-way or resetting, proven by a question asked through it."""

import socket
import struct
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import msgspec

from chaos.asking import Answer, End
from chaos.faults import TTL_S, Fault, FaultError, Faults
from chaos.leases import rule_id
from chaos.lifecycle import NotHealedError, fault_errors, fault_record
from chaos.probes import KAFKA_REQUEST, split_address
from contracts.control import Scalar
from contracts.fault import FaultRecord, Lease
from runtime.control import call_control
from runtime.ready import read_ready

CONTROL_S = 5.0
ANSWER_S_MAX = 3.0
SILENCE_S = 0.4
DROP_TRIES = 40
"""With a share of 0.1, forty connections all get through once in seventy runs."""
TIMER_SHARE = 0.9
"""A timer fires late, never early; the clock it is read by may differ in the last digits."""


class LinkTrouble(msgspec.Struct, frozen=True, kw_only=True):
    """What a relay does to the listeners that match; the words are those of `local.relay`'s operation `fault`."""

    listeners: str = "*"
    direction: Literal["both", "up", "down"] = "both"
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    rate_bytes_s: int = 0
    hole: bool = False
    drop_share: float = 0.0
    reset: bool = False


def trouble(
    faults: Faults,
    trouble: LinkTrouble,
    *,
    relay: str = "link.control",
    seed: int | None = None,
    ttl_s: float = TTL_S,
) -> Fault:
    """Let `trouble` hold on the relay with this control endpoint until healed. Raises `FaultError`."""
    drawn = faults.seed(seed)
    with fault_errors("relay_fault"):
        control = Path(faults.cloud.endpoint(relay))
        name, address = _listener(faults, relay, trouble.listeners)
        if (before := look_through(name, address, timeout_s=ANSWER_S_MAX)).end != "answered":
            raise FaultError(
                f"relay_fault: {name} at {address}: expected an answer before, it was {before.end}"
            )
        asked = {key: value for key, value in msgspec.structs.asdict(trouble).items() if value}
        lease = faults.take("relay_fault", (str(control),), ttl_s=ttl_s, seed=drawn, **asked)

    def inject(lease: Lease) -> FaultRecord:
        at_mono_ns = faults.clock.mono_ns()
        args: dict[str, Scalar] = {**asked, "id": rule_id(lease), "seed": drawn}
        call_control(control, "fault", timeout_s=CONTROL_S, **args)
        proven, seen = _seen(trouble, name, address)
        return fault_record(lease, at_mono_ns, proven=proven, proof=f"through {name}: {seen}")

    def prove(record: FaultRecord) -> tuple[bool, str]:
        after = look_through(name, address, timeout_s=ANSWER_S_MAX)
        if after.end != "answered":
            raise NotHealedError(
                f"relay_fault: {name}: expected an answer after, it was {after.end}"
            )
        return record.proven, f"answers again in {after.took_s * 1e3:.0f} ms"

    return faults.put(lease, inject, prove)


def _listener(faults: Faults, relay: str, pattern: str) -> tuple[str, str]:
    """A listener of the relay to look through: the first that matches. Raises `FaultError`."""
    record = faults.cloud.named(f"relay-{relay.removesuffix('.control')}")
    ready = read_ready(Path(record.ready))
    found = sorted(it for it in (ready.addresses if ready else {}) if fnmatchcase(it, pattern))
    if ready is None or not found:
        raise FaultError(f"relay_fault: {record.name} has no listener that matches {pattern}")
    return found[0], ready.addresses[found[0]]


def _seen(trouble: LinkTrouble, name: str, address: str) -> tuple[bool, str]:
    """Whether the trouble shows to somebody who asks through the listener, and how."""
    if trouble.reset:
        end = look_through(name, address, timeout_s=ANSWER_S_MAX).end
        return end == "reset", f"expected a reset, it was {end}"
    if trouble.hole:
        end = look_through(name, address, timeout_s=SILENCE_S).end
        return end == "silent", f"expected silence, it was {end}"
    if trouble.drop_share:
        return _seen_dropping(name, address)
    answer = look_through(name, address, timeout_s=ANSWER_S_MAX + trouble.delay_ms / 500)
    ways = 2 if trouble.direction == "both" else 1
    least_s = ways * trouble.delay_ms / 1e3
    if trouble.rate_bytes_s and trouble.direction != "up":
        least_s += len(answer.body) / trouble.rate_bytes_s
    late = answer.end == "answered" and answer.took_s >= TIMER_SHARE * least_s
    return late, f"{answer.end} after {answer.took_s * 1e3:.0f} ms, at least {least_s * 1e3:.0f}"


def _seen_dropping(name: str, address: str) -> tuple[bool, str]:
    for tried in range(1, DROP_TRIES + 1):
        if look_through(name, address, timeout_s=SILENCE_S / 2).end == "silent":
            return True, f"connection {tried} hung"
    return False, f"{DROP_TRIES} connections got through"


def look_through(name: str, address: str, *, timeout_s: float) -> Answer:
    """Ask what stands behind a listener: a broker for its versions, a service for its health."""
    request = KAFKA_REQUEST if name.startswith("kafka") else _HTTP_REQUEST
    began_s = time.monotonic()
    end: End = "silent"
    body = b""
    try:
        with socket.create_connection(split_address(address), timeout=timeout_s) as peer:
            peer.settimeout(timeout_s)
            peer.sendall(request)
            body = _read_answer(peer, is_kafka=name.startswith("kafka"))
            end = "answered" if body else "reset"
    except TimeoutError:
        end = "silent"
    except ConnectionRefusedError:
        end = "refused"
    except OSError:
        end = "reset"
    return Answer(end=end, took_s=time.monotonic() - began_s, body=body)


_HTTP_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n"


def _read_answer(peer: socket.socket, *, is_kafka: bool) -> bytes:
    """A broker's one length-prefixed answer, or everything a service says until it closes."""
    data = b""
    while chunk := peer.recv(65536):
        data += chunk
        if is_kafka and len(data) >= 4 and len(data) >= 4 + struct.unpack_from(">i", data)[0]:
            break
    return data
