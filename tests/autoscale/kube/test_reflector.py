"""Caches that stay as the API server has them, whatever it does meanwhile."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from autoscale.control.clock import SystemClock
from autoscale.kube.objects import Hpa
from autoscale.kube.ports import Answer, Ask, UnreachableError
from autoscale.kube.reflector import Pace, Reflector
from autoscale.kube.resources import HPAS
from autoscale.kube.store import Store
from tests.autoscale.control.fake_api import FakeApi, status
from tests.autoscale.control.fake_shop import HPA

SPEC = {"kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": 4, "maxReplicas": 9}}


class Watching:
    """A reflector in its thread."""

    def __init__(self, api: FakeApi, *, optional: bool = False, silence_s: float = 0.2) -> None:
        self.api, self.store, self.stop = api, Store(Hpa), threading.Event()
        pace = Pace(SystemClock(), random.Random(1), optional, silence_s)
        self.reflector = Reflector(api, HPAS, self.store, pace=pace)
        self.thread = threading.Thread(target=self.reflector.run, args=(self.stop,))
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        self.api.closed.set()
        self.thread.join(10)
        assert not self.thread.is_alive()

    def floor(self, name: str = "ad-service") -> int:
        one = self.store.snapshot().get(f"ads/{name}")
        return 0 if one is None else one.spec.min_replicas


@pytest.fixture
def watching() -> Iterator[Callable[..., Watching]]:
    made: list[Watching] = []

    def start(api: FakeApi, **changes: object) -> Watching:
        made.append(Watching(api, **changes))
        return made[-1]

    yield start
    for one in made:
        one.end()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def shop_api() -> FakeApi:
    api = FakeApi()
    api.put(HPA, SPEC)
    return api


def set_floor(api: FakeApi, floor: int) -> None:
    api.edit(HPA, lambda it: it["spec"].update(minReplicas=floor))


def test_changes_come_by_the_watch_without_another_list(watching: Callable[..., Watching]) -> None:
    """New, changed and deleted objects, one list in all."""
    api = shop_api()
    one = watching(api)
    eventually(lambda: one.floor() == 4)
    set_floor(api, 6)
    eventually(lambda: one.floor() == 6)
    api.put(HPA.replace("ad-service", "other"), SPEC)
    eventually(lambda: one.floor("other") == 4)
    with api.changed:
        api._delete(HPA, {})
    eventually(lambda: one.floor() == 0)
    assert (api.lists, one.reflector.relists) == (1, 1)


def test_a_place_that_is_gone_is_listed_anew(watching: Callable[..., Watching]) -> None:
    """410 on a watch, or as an event in it: a new list, and nothing is missed."""
    api = shop_api()
    calls: list[str] = []
    real = api.watch

    def watch(path: str, query: dict[str, str], *, silence_s: float) -> Iterator[bytes]:
        calls.append(query["resourceVersion"])
        if len(calls) == 1:
            yield b'{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"gone"}}'
            return
        if len(calls) == 2:
            api.compact()
        yield from real(path, query, silence_s=silence_s)

    api.watch = watch  # type: ignore[method-assign]
    one = watching(api)
    eventually(lambda: api.lists == 3)
    set_floor(api, 7)
    eventually(lambda: one.floor() == 7)


def test_a_server_that_answers_500_is_not_flooded(watching: Callable[..., Watching]) -> None:
    """The pause grows; the official informer asks 6,600 times a second."""
    api = shop_api()
    asked: list[float] = []

    def fail(ask: Ask) -> Answer | None:
        asked.append(time.monotonic())
        return status(500, "InternalError", "no") if len(asked) < 5 else None

    api.before = fail
    one = watching(api)
    eventually(lambda: one.floor() == 4)
    gaps = [later - sooner for sooner, later in itertools.pairwise(asked[:5])]
    assert all(gap >= least for gap, least in zip(gaps, (0.1, 0.2, 0.4, 0.8), strict=True))
    assert one.reflector.failures == 4


def test_an_answer_that_cannot_be_read_is_a_failure_like_any_other(
    watching: Callable[..., Watching],
) -> None:
    """A proxy's page with 200, an event without an object's metadata: the watch goes on after a new list."""
    api = shop_api()
    pages: list[Ask] = []

    def proxy(ask: Ask) -> Answer | None:
        pages.append(ask)
        return Answer(status=200, body=b"<html>") if len(pages) == 1 else None

    api.before = proxy
    calls: list[str] = []
    real = api.watch

    def watch(path: str, query: dict[str, str], *, silence_s: float) -> Iterator[bytes]:
        calls.append(path)
        if len(calls) == 1:
            yield b'{"type":"BOOKMARK","object":{"metadata":7}}'
        yield from real(path, query, silence_s=silence_s)

    api.watch = watch  # type: ignore[method-assign]
    one = watching(api)
    eventually(lambda: len(calls) == 2)
    set_floor(api, 7)
    eventually(lambda: one.floor() == 7)
    assert (one.reflector.failures, one.reflector.relists) == (2, 2)


def test_a_half_open_watch_is_given_up_and_taken_up_again(
    watching: Callable[..., Watching],
) -> None:
    """Silence without bookmarks is no quiet server; what changed meanwhile is seen."""
    api = shop_api()
    real = api.watch

    def watch(path: str, query: dict[str, str], *, silence_s: float) -> Iterator[bytes]:
        yield from real(path, query, silence_s=silence_s)
        if api.silent:
            raise UnreachableError("read timed out")

    api.watch = watch  # type: ignore[method-assign]
    one = watching(api)
    eventually(lambda: one.floor() == 4)
    api.silent = True
    eventually(lambda: one.reflector.failures >= 1)
    set_floor(api, 8)
    api.silent = False
    eventually(lambda: one.floor() == 8)
    assert api.lists == 1


def test_a_watch_that_ends_at_once_without_a_word_is_not_asked_for_without_pause(
    watching: Callable[..., Watching],
) -> None:
    """A server that accepts and hangs up counts as failing."""
    api = shop_api()
    calls: list[float] = []

    def watch(path: str, query: dict[str, str], *, silence_s: float) -> Iterator[bytes]:
        calls.append(time.monotonic())
        return iter(())

    api.watch = watch  # type: ignore[method-assign]
    watching(api)
    eventually(lambda: len(calls) == 4)
    assert calls[3] - calls[0] >= 0.1 + 0.2 + 0.4


def test_a_kind_that_is_not_served_is_empty_and_synced(watching: Callable[..., Watching]) -> None:
    """KEDA may not be there; nobody waits for it."""
    api = FakeApi()
    api.before = lambda ask: status(404, "NotFound", "no such kind")
    one = watching(api, optional=True)
    eventually(lambda: one.store.synced)
    assert one.store.snapshot() == {}


def test_pages_that_expire_are_read_again_in_one_piece() -> None:
    """A continue token older than the compaction: the list starts over, whole."""
    api = shop_api()
    queries: list[dict[str, str]] = []

    def paged(ask: Ask) -> Answer | None:
        queries.append(ask.query)
        if "continue" in ask.query:
            return status(410, "Expired", "the provided continue parameter is too old")
        if "limit" in ask.query:
            return Answer(
                status=200,
                body=b'{"metadata":{"resourceVersion":"5","continue":"more"},"items":[]}',
            )
        return None

    api.before = paged
    store = Store(Hpa)
    pace = Pace(SystemClock(), random.Random(1))
    Reflector(api, HPAS, store, pace=pace).list_once()
    assert queries[-1] == {}
    assert list(store.snapshot()) == ["ads/ad-service"]
