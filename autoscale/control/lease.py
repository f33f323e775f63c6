"""Which of several replicas writes: a Kubernetes Lease, judged by this machine's forward clock only.

A holder counts as dead once its record did not change for its whole duration as seen from here; clocks are not
compared. We hold it until `renew_s` after the *start* of the last renewal that succeeded, which is before anybody
else may take it: `Writer` asks for that before each write and lets none last longer.
"""

from datetime import datetime
from typing import Protocol

import msgspec

from autoscale.control.clock import Clock
from autoscale.control.settings import LeaseTerms
from autoscale.kube.objects import Meta, Object
from autoscale.kube.ports import (
    CONFLICT,
    NOT_FOUND,
    Ask,
    RefusedError,
    Transport,
    UnreachableError,
    checked,
)
from autoscale.kube.resources import LEASES

ASK_S = 1.0
"""Longest wait for one answer: there must be time for a second try within `renew_s`."""


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Which lease, and who asks for it: an identity no other process ever has."""

    namespace: str
    name: str
    identity: str


class LeaseSpec(Object, frozen=True, kw_only=True):
    """Who holds it."""

    holder_identity: str = ""
    lease_duration_seconds: int = 0
    acquire_time: str = ""
    renew_time: str = ""
    lease_transitions: int = 0


class LeaseObject(Object, frozen=True, kw_only=True):
    """coordination.k8s.io/v1 Lease."""

    metadata: Meta
    spec: LeaseSpec = LeaseSpec()


class LeaseLostError(Exception):
    """It was held and is not any more; the process must not write again, and ends."""


class Fence(Protocol):
    """What every write asks first."""

    def left_s(self) -> float:
        """Seconds for which the lease is surely held; 0 or less: it is not."""
        ...


class Lease:
    """One replica's view of the lease; `step` is called every `retry_s`, from one thread."""

    def __init__(
        self, transport: Transport, seat: Seat, *, clock: Clock, terms: LeaseTerms
    ) -> None:
        self._transport, self._clock, self._terms = transport, clock, terms
        self._namespace, self._name, self.identity = seat.namespace, seat.name, seat.identity
        self._path = LEASES.path(seat.namespace, seat.name)
        self._seen: LeaseObject | None = None
        self._seen_s = 0.0
        self._until_s: float | None = None

    def left_s(self) -> float:
        """See `Fence`."""
        return 0.0 if self._until_s is None else self._until_s - self._clock.monotonic()

    @property
    def holds(self) -> bool:
        """Whether we may write now."""
        return self.left_s() > 0

    def step(self) -> None:
        """Take it or renew it, once. Raises `LeaseLostError` when it was ours and is not, whatever the reason."""
        began_s = self._clock.monotonic()
        held = self._until_s is not None
        try:
            taken = self._try(began_s)
        except (RefusedError, UnreachableError, msgspec.MsgspecError):
            taken = None
        if taken:
            self._until_s = began_s + self._terms.renew_s
        elif held and (taken is False or not self.holds):
            self._until_s = self._clock.monotonic() - 1
            raise LeaseLostError(f"{self._namespace}/{self._name}: somebody else may hold it now")

    def _try(self, now_s: float) -> bool | None:
        """True: ours; False: surely somebody else's; None: not known, or not yet to be had."""
        known = self._seen
        if known is None or known.spec.holder_identity != self.identity:
            known = self._look(now_s)
            if known is None:
                return self._make()
        spec = known.spec
        if spec.holder_identity not in {"", self.identity}:
            if self._until_s is not None:
                return False
            if now_s - self._seen_s < spec.lease_duration_seconds:
                return None
        return self._put(known)

    def _look(self, now_s: float) -> LeaseObject | None:
        try:
            body = checked(self._transport.ask(Ask(method="GET", path=self._path), timeout_s=ASK_S))
        except RefusedError as error:
            if error.status == NOT_FOUND:
                self._seen = None
                return None
            raise
        found = msgspec.json.decode(body, type=LeaseObject)
        if (
            self._seen is None
            or found.metadata.resource_version != self._seen.metadata.resource_version
        ):
            self._seen, self._seen_s = found, now_s
        return found

    def _make(self) -> bool | None:
        meta = {"name": self._name, "namespace": self._namespace}
        body = self._body(meta, LeaseSpec(), holder=self.identity)
        ask = Ask(method="POST", path=LEASES.within(self._namespace), body=body)
        return self._sent(ask)

    def _put(self, known: LeaseObject) -> bool | None:
        return self._sent(self._renewal(known, holder=self.identity))

    def _renewal(self, known: LeaseObject, *, holder: str) -> Ask:
        meta = {
            "name": self._name, "namespace": self._namespace,
            "resourceVersion": known.metadata.resource_version,
        }  # fmt: skip
        body = self._body(meta, known.spec, holder=holder)
        return Ask(method="PUT", path=self._path, body=body)

    def _sent(self, ask: Ask) -> bool | None:
        try:
            body = checked(self._transport.ask(ask, timeout_s=ASK_S))
        except RefusedError as error:
            if error.status in {CONFLICT, NOT_FOUND}:
                # somebody was faster; the next step looks who
                self._seen = None
                return None
            raise
        self._seen, self._seen_s = (
            msgspec.json.decode(body, type=LeaseObject),
            self._clock.monotonic(),
        )
        return True

    def _body(self, meta: dict[str, str], before: LeaseSpec, *, holder: str) -> bytes:
        now = _micro(self._clock.now())
        mine = before.holder_identity == self.identity
        spec = LeaseSpec(
            holder_identity=holder,
            lease_duration_seconds=self._terms.duration_s,
            acquire_time=before.acquire_time if mine else now, renew_time=now,
            lease_transitions=before.lease_transitions + (0 if mine else 1),
        )  # fmt: skip
        kind = {"apiVersion": LEASES.api_version, "kind": LEASES.kind}
        return msgspec.json.encode({**kind, "metadata": meta, "spec": spec})

    def release(self) -> None:
        """Let go at the end, so that the next one need not wait; nothing is written after."""
        known, held = self._seen, self.holds
        self._until_s = None
        if known is None or not held or known.spec.holder_identity != self.identity:
            return
        try:
            self._transport.ask(self._renewal(known, holder=""), timeout_s=ASK_S)
        except UnreachableError:
            return


def _micro(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
