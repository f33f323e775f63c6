"""The probes an experiment may name. Each says yes or no; one that raises could not look, and the run is invalid."""

import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec

from chaos.asking import Question, ask
from chaos.probes import broker_answers, port_refuses
from chaos.processes import is_stopped
from chaos.routers import digests
from chaos.runs.session import cloud_of
from chaos.runs.vocabulary import Entry, words
from contracts.bridge import BridgeStatus
from contracts.cloud import Role
from runtime.control import ControlError, call_control
from runtime.processes import is_running

Configuration = Mapping[str, object]
Door = Literal["core", "edge"]
Site = Literal["public", "private"]

ADS_S, CLICKS_S, ORDERS_S = 0.25, 1.0, 1.0
"""An ad that takes longer is not shown; an order or a click may wait for a disk."""
ROUND_S = 0.2


def ads_answer(configuration: Configuration, door: Door, requests: int = 2) -> bool:
    """Whether every one of `requests` for an ad, all at once, is answered within 250 ms."""
    address = cloud_of(configuration).endpoint(door)

    def is_answered(slot: int) -> bool:
        return ask(address, Question(target=f"/ads?slot={slot}"), timeout_s=ADS_S).status == 200

    # at once, because one after the other would make the next look too late
    with ThreadPoolExecutor(max(1, requests)) as pool:
        return all(pool.map(is_answered, range(requests)))


def orders_stay_private(configuration: Configuration) -> bool:
    """Whether an order is taken within a second, and by a private node."""
    key = uuid.uuid4().hex
    question = Question(
        method="POST", target="/orders", body=b'{"sku":"chaos-probe","quantity":1}',
        headers={"Content-Type": "application/json", "Idempotency-Key": f"chaos-{key}"},
    )  # fmt: skip
    answer = ask(cloud_of(configuration).endpoint("core"), question, timeout_s=ORDERS_S)
    return answer.status in {200, 201} and answer.served_by.startswith("private/")


def clicks_are_taken(configuration: Configuration, door: Door) -> bool:
    """Whether a click is acknowledged within a second."""
    return _click(configuration, door)


def _click(configuration: Configuration, door: Door) -> bool:
    now_ms = int(time.time() * 1000)
    body = msgspec.json.encode(
        {"event_id": uuid.uuid4().hex, "ad": "ad-chaos", "campaign": "chaos", "occurred_ms": now_ms}
    )
    question = Question(
        method="POST", target="/clicks", body=body, headers={"Content-Type": "application/json"}
    )
    answer = ask(cloud_of(configuration).endpoint(door), question, timeout_s=CLICKS_S)
    return answer.status == 202


def clicks_reach_the_warehouse(
    configuration: Configuration, door: Door = "edge", within_s: float = 5.0
) -> bool:
    """Whether a click taken now adds a row to the warehouse in time: broker, link, bridge and sink all work."""
    control = Path(cloud_of(configuration).endpoint("bridge.control"))
    try:
        before = _rows(control)
        if not _click(configuration, door):
            return False
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            if _rows(control) > before:
                return True
            time.sleep(ROUND_S)
    except ControlError:
        return False  # the bridge is not there, which is an answer
    return False


def _rows(control: Path) -> int:
    return msgspec.json.decode(call_control(control, "stats"), type=BridgeStatus).warehouse_rows


def processes_run(
    configuration: Configuration, role: Role, site: Site, share_min: float = 1.0
) -> bool:
    """Whether at least a share of the processes of one role at one site run, none of them counted that is stopped."""
    known = cloud_of(configuration).processes(role, site)
    alive = [it for it in known if is_running(it.pid, it.start_ticks) and not is_stopped(it.pid)]
    return bool(known) and len(alive) >= share_min * len(known)


def broker_serves(configuration: Configuration, site: Site) -> bool:
    """Whether the site's Kafka broker answers within half a second."""
    return broker_answers(cloud_of(configuration).endpoint(f"kafka.{site}"), timeout_s=0.5)


def door_is_shut(configuration: Configuration, door: Door) -> bool:
    """Whether nobody listens where a dead router did: no other program has taken its place."""
    return port_refuses(cloud_of(configuration).endpoint(door), timeout_s=0.2)


def routers_agree_on_the_policy(configuration: Configuration) -> bool:
    """Whether every router has the same policy in force."""
    found = set(digests(cloud_of(configuration)).values())
    return len(found) == 1 and "" not in found


LOOKS = words(
    Entry(kind="probe", func=ads_answer),
    Entry(kind="probe", func=orders_stay_private),
    Entry(kind="probe", func=clicks_are_taken),
    Entry(kind="probe", func=clicks_reach_the_warehouse),
    Entry(kind="probe", func=processes_run),
    Entry(kind="probe", func=broker_serves),
    Entry(kind="probe", func=door_is_shut),
    Entry(kind="probe", func=routers_agree_on_the_policy),
)
