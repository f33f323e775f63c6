"""One request's own decisions: what may be repeated, how it is framed, what it holds."""

import asyncio
import random
from types import SimpleNamespace

import msgspec

from contracts.settings import RouterLimits, RouterSettings
from router.egress import Outlet
from router.generation import Generation
from router.inbound import Inbound
from router.job import Job, World
from router.retry import Scope
from tests.router.world import PUBLIC, SENSITIVE, endpoint, head, policy, route, topology, verdict

PUBLIC_OUTLET = Outlet("public", (endpoint(1),), False, False)
PRIVATE_OUTLET = Outlet("private", (endpoint(2),), True, True)


def job(of=None, *, as_class="public", limits=None, reserve=None, edge=False, failover=True) -> Job:
    settings = RouterSettings(
        name="r", placement="edge" if edge else "core", site="s", policy="", topology="", listen="",
        probe="", admin="", evidence="", ready="", limits=limits or RouterLimits(),
        disable=() if failover else ("failover",),
    )  # fmt: skip
    keyed = route("ads", idempotency="Idempotency-Key", cookies=("ab",))
    rules = policy(
        {"public": frozenset({PUBLIC}), "private": frozenset({PUBLIC, SENSITIVE})}, keyed
    )
    where = topology(
        {"public": {"ads": (endpoint(1),)}, "private": {"ads": (endpoint(2),)}}, reserve=reserve
    )
    generation = Generation(1, rules, where, SimpleNamespace())
    world = World(
        settings, lambda: generation, fleet=SimpleNamespace(), ledger=SimpleNamespace(),
        loop=asyncio.new_event_loop(), rng=random.Random(1),
    )  # fmt: skip
    world.loop.close()
    made = Job(
        world,
        Inbound(of or head(), http11=True, expects=False, websocket=False),
        content=SimpleNamespace(),
        peer="127.0.0.9",
    )
    made.verdict = verdict(as_class, of=keyed)
    return made


def test_repeating_needs_an_idempotent_method_or_the_named_key() -> None:
    """And a body that is held whole."""
    post = head(method="POST")
    key = head(method="POST", headers=((b"Host", b"h"), (b"idempotency-key", b"k")))
    assert job().repeatable() is Scope.ANY
    assert job(post).repeatable() is Scope.NOWHERE
    assert job(key).repeatable() is Scope.SAME_SITE
    streaming = job(head(method="PUT", has_body=True))
    assert streaming.repeatable() is Scope.NOWHERE
    streaming.unread = False
    assert streaming.repeatable() is Scope.ANY


def test_framing_follows_what_is_known() -> None:
    """Held: its length. Streaming: the announced length, else chunked. No body: none."""
    assert b"Content-Length" not in job().payload(PRIVATE_OUTLET)
    held = job(head(method="PUT", has_body=True))
    held.body, held.unread = b"abc", False
    assert held.payload(PRIVATE_OUTLET).endswith(b"Content-Length: 3\r\n\r\nabc")
    announced = job(head(method="PUT", has_body=True, content_length=10))
    announced.body = b"abc"
    assert announced.payload(PRIVATE_OUTLET).endswith(b"Content-Length: 10\r\n\r\nabc")
    chunked = job(head(method="PUT", has_body=True))
    chunked.body = b"abc"
    assert chunked.payload(PRIVATE_OUTLET).endswith(
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    )


def test_cookies_depend_on_the_outlet_of_the_attempt() -> None:
    """The same request loses cookies on its way out to the public site and keeps them to the reserve."""
    asked = job(head(headers=((b"Host", b"h"), (b"Cookie", b"s=1; ab=2"))))
    assert b"Cookie: ab=2\r\n" in asked.payload(PUBLIC_OUTLET)
    assert b"Cookie: s=1; ab=2\r\n" in asked.payload(PRIVATE_OUTLET)


def test_places_are_taken_once_and_given_back() -> None:
    """The class's pool, the reserve once per request, all returned on release."""
    limits = RouterLimits(concurrency_public=1, concurrency_sensitive=10)
    asked = job(limits=limits, reserve={"private": {"ads": 0.1}})
    assert asked.admit()
    assert not asked.admit()
    assert asked.admit_to_reserve(PRIVATE_OUTLET)
    assert asked.admit_to_reserve(PRIVATE_OUTLET)
    assert asked.world.admission.inside("reserve/private/ads") == 1
    asked.release()
    assert asked.world.admission.inside("reserve/private/ads") == 0
    assert asked.admit()
    assert not job(limits=limits).admit_to_reserve(PRIVATE_OUTLET)


def test_a_door_yields_no_egress_for_what_it_must_not_forward() -> None:
    """Edge: public only. No route: nothing. Without failover: the first site only."""
    assert job(edge=True).egress() is not None
    assert job(edge=True, as_class="raised").egress() is None
    lost = job()
    lost.verdict = msgspec.structs.replace(verdict("sensitive"), route=None)
    assert lost.egress() is None
    both, one = job().egress(), job(failover=False).egress()
    assert both is not None
    assert one is not None
    assert [len(both.outlets), len(one.outlets)] == [2, 1]


def test_other_endpoints_are_used_without_judging_anew() -> None:
    """Discovery changes where a service is, not what a request is: the classifier is not asked again."""
    asked = job()
    generation = asked.generation
    moved = topology({"public": {"ads": (endpoint(7),)}, "private": {"ads": (endpoint(2),)}})
    asked.world.current = lambda: generation.with_topology(moved)
    egress = asked.egress()
    assert egress is not None
    assert egress.outlets[0].endpoints == (endpoint(7),)
    again: list[str] = []
    judge = SimpleNamespace(head=lambda _head: again.append("judged") or asked.verdict)
    asked.world.current = lambda: Generation(2, generation.policy, moved, judge)
    assert asked.egress() is not None
    assert again == ["judged"]


async def test_waiting_for_idle_ends_with_the_last_request() -> None:
    """Drain: at once when nothing is in flight, else when the last one ends."""
    world = job().world
    await asyncio.wait_for(world.idle(), 1)
    world.began()
    waiting = asyncio.ensure_future(world.idle())
    await asyncio.sleep(0)
    assert not waiting.done()
    world.ended()
    await asyncio.wait_for(waiting, 1)
