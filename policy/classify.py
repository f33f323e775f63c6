"""The verdict on one request: route first, then everything that may raise a public candidate.

Total: whatever the bytes, an answer; a fault of the program itself is answered `sensitive`. Nothing here
lowers a class. Detectors live in `detect`, the normal form in `normal`.
"""

from policy.bodies import body_text
from policy.detect import Scanner
from policy.doubts import head_doubt
from policy.model import (
    Body,
    HeldBody,
    HoldBody,
    Policy,
    Reason,
    RequestHead,
    Route,
    Sensitivity,
    UnreadBody,
    Verdict,
)
from policy.normal import normal_target
from policy.routes import find_route
from policy.views import Unreadable

_ERROR = Reason(rule="detector_error")


class Classifier:
    """Judges requests under one policy; `scan=False` skips the detectors and is for negative controls only."""

    def __init__(self, policy: Policy, *, scan: bool = True) -> None:
        """Compiles and self-tests the policy. Raises `SelfTestError`, `PatternFault` or `GlobFault`."""
        self._scanner = Scanner(policy)
        self._scan = scan
        self._find_route = find_route(policy.routes)
        self._settled = {route.id: _settled(route) for route in policy.routes}

    def head(self, head: RequestHead) -> Verdict | HoldBody:
        """The verdict, or how much body must be held before there is one. Never raises."""
        route = None
        try:
            target = normal_target(head.target)
            route = self._find_route(head.host, head.method, target.path)
            if route is None:
                return _NO_ROUTE
            if route.sensitivity is not Sensitivity.PUBLIC:
                return self._settled[route.id]
            if target.fault:
                return _raised(
                    route, Reason(rule="not_normal", detail=target.fault, where="target")
                )
            return self._candidate(route, head)
        except Exception:  # noqa: BLE001 - total by contract: an error of ours must not open a route
            return _on_error(route)

    def _candidate(self, route: Route, head: RequestHead) -> Verdict | HoldBody:
        if doubt := head_doubt(head, inspect_bytes_max=route.inspect_body_bytes_max):
            return _raised(route, doubt)
        if self._scan and (found := self._scan_head(head)):
            return _raised(route, found)
        if head.has_body:
            return HoldBody(route=route, bytes_max=route.inspect_body_bytes_max, reasons=())
        return self._settled[route.id]

    def body(self, hold: HoldBody, head: RequestHead, body: Body) -> Verdict:
        """The verdict once the body is known, or known to be unreadable. Never raises."""
        try:
            reason = self._body_reason(hold, head, body)
            return _raised(hold.route, reason) if reason else self._settled[hold.route.id]
        except Exception:  # noqa: BLE001 - total by contract: an error of ours must not open a route
            return _on_error(hold.route)

    def _body_reason(self, hold: HoldBody, head: RequestHead, body: Body) -> Reason | None:
        match body:
            case UnreadBody(why=why):
                return Reason(rule="body_unread", detail=why, where="body")
            case HeldBody(data=data):
                return self._held_reason(hold, head, data)

    def _held_reason(self, hold: HoldBody, head: RequestHead, data: bytes) -> Reason | None:
        if len(data) > hold.bytes_max:
            return Reason(rule="body_unread", detail="oversize", where="body")
        if head.content_length is not None and head.content_length != len(data):
            return Reason(rule="body_unread", detail="broken", where="body")
        if not self._scan:
            return None
        try:
            text = body_text(
                data,
                content_encoding=_joined(head, b"content-encoding"),
                content_type=_joined(head, b"content-type"),
            )
        except Unreadable as unreadable:
            return Reason(rule="unreadable", detail=unreadable.why, where="body")
        return _at(self._scanner.find(text), "body")

    def _scan_head(self, head: RequestHead) -> Reason | None:
        """One pass over all parts together; only on a hit are they searched one by one for the place."""
        lines = [head.target, head.host.encode("utf-8", "surrogateescape")]
        for name, value in head.headers:
            lines += (name, value)
        # A line feed is no separator inside a number, so nothing is found across two parts.
        found = self._scanner.find(b"\n".join(lines))
        return None if found is None else self._place(head, found)

    def _place(self, head: RequestHead, found: Reason) -> Reason:
        path, _, query = head.target.partition(b"?")
        places = [("path", path), ("query", query)]
        for name, value in head.headers:
            where = "cookie" if name.lower() == b"cookie" else "header"
            places += ((where, value), ("header_name", name))
        for where, text in places:
            if placed := _at(self._scanner.find(text), where):
                return placed
        return Reason(rule=found.rule, detail=found.detail, where="head")


def _at(found: Reason | None, where: str) -> Reason | None:
    return found and Reason(rule=found.rule, detail=found.detail, where=where)


def _joined(head: RequestHead, name: bytes) -> str:
    return ", ".join(value.decode("latin-1") for key, value in head.headers if key.lower() == name)


def _settled(route: Route) -> Verdict:
    public = route.sensitivity is Sensitivity.PUBLIC
    return Verdict(
        sensitivity=route.sensitivity,
        traffic_class="public" if public else "sensitive",
        route=route,
        reasons=(Reason(rule="route", detail=route.id),),
    )


_NO_ROUTE = Verdict(
    sensitivity=Sensitivity.SENSITIVE,
    traffic_class="sensitive",
    route=None,
    reasons=(Reason(rule="no_route"),),
)


def _raised(route: Route, reason: Reason) -> Verdict:
    return Verdict(
        sensitivity=Sensitivity.SENSITIVE, traffic_class="raised", route=route, reasons=(reason,)
    )


def _on_error(route: Route | None) -> Verdict:
    raised = route is not None and route.sensitivity is Sensitivity.PUBLIC
    return Verdict(
        sensitivity=Sensitivity.SENSITIVE,
        traffic_class="raised" if raised else "sensitive",
        route=route,
        reasons=(_ERROR,),
    )
