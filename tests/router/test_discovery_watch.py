"""The watch against an API server that expires, goes silent, talks nonsense, denies, dies and comes back."""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from policy.topology import KubernetesService
from router.discovery import Ending, Listed, Put, SliceEvent, Slices, reduce
from router.discovery_watch import Timing, Watcher
from tests.router.api_server import (
    ApiServerFake,
    Certificates,
    endpoint,
    kubeconfig,
    make_certificates,
    serving,
    slice_of,
)
from tests.router.harness import until

QUICK = Timing(connect_s=0.5, list_s=0.5, watch_s=0, silence_s=0.4)
PATIENT = Timing(connect_s=1, list_s=5, watch_s=30, silence_s=5)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@dataclass
class Heard:
    """A listener that keeps all it is told."""

    slices: Slices = field(default_factory=dict)
    events: list[SliceEvent] = field(default_factory=list)
    endings: list[tuple[Ending, str]] = field(default_factory=list)
    stale: bool = True

    def happened(self, events: list[SliceEvent]) -> None:
        for event in events:
            self.slices = reduce(self.slices, event)
        self.events += events

    def heard(self) -> None:
        self.stale = False

    def ended(self, ending: Ending, why: str, *, stale: bool) -> None:
        self.endings.append((ending, why))
        self.stale = self.stale or stale

    def kinds(self) -> set[Ending]:
        return {ending for ending, _ in self.endings}

    def addresses(self) -> set[str]:
        return {p.address for it in self.slices.values() for p in it.points if p.usable}

    def listings(self) -> int:
        return sum(isinstance(event, Listed) for event in self.events)


@contextlib.asynccontextmanager
async def watching(
    path: Path, timing: Timing = PATIENT, *, service: str = "ads"
) -> AsyncGenerator[Heard]:
    heard = Heard()
    asked = KubernetesService(
        kubeconfig=f"file:{path}", namespace="shop", service=service, port="http"
    )
    task = asyncio.ensure_future(Watcher(asked, heard, rng=random.Random(1), timing=timing).run())
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def api(certificates: Certificates) -> AsyncIterator[ApiServerFake]:
    async with serving(certificates) as fake:
        fake.put(slice_of("ads-1", endpoint("10.97.0.1"), endpoint("10.97.0.2")))
        yield fake


@pytest.fixture
def config(tmp_path: Path, certificates: Certificates, api: ApiServerFake) -> Path:
    return kubeconfig(tmp_path, certificates, api.port)


async def test_it_lists_then_follows(api: ApiServerFake, config: Path) -> None:
    """Added, changed and deleted slices arrive without another list; the watch goes on from the list's version."""
    async with watching(config) as heard:
        await until(lambda: len(api.watches) == 1)
        assert heard.addresses() == {"10.97.0.1", "10.97.0.2"}
        api.put(slice_of("ads-2", endpoint("10.97.0.3")))
        await until(lambda: "10.97.0.3" in heard.addresses())
        api.put(slice_of("ads-1", endpoint("10.97.0.1"), endpoint("10.97.0.2", ready=False)))
        await until(lambda: heard.addresses() == {"10.97.0.1", "10.97.0.3"})
        api.delete("ads-2")
        await until(lambda: heard.addresses() == {"10.97.0.1"})
        assert heard.listings() == 1
        assert api.watched[0]["resourceVersion"] == "11"
        assert api.watched[0]["allowWatchBookmarks"] == "true"
        assert not heard.stale


async def test_a_long_list_comes_in_pages(api: ApiServerFake, config: Path) -> None:
    """All pages are one list: nothing is told before the last."""
    for number in range(3, 8):
        api.put(slice_of(f"ads-{number}", endpoint(f"10.97.0.{number}")))
    api.page = 2
    async with watching(config) as heard:
        await until(lambda: len(api.watches) == 1)
        assert len(heard.addresses()) == 7
        assert heard.listings() == 1
        assert [it.get("continue") for it in api.lists] == [None, "2", "4"]


async def test_a_closed_watch_goes_on_from_the_last_bookmark(
    api: ApiServerFake, config: Path
) -> None:
    """Nothing is listed anew, nothing in between is missed, and it is not called stale."""
    async with watching(config) as heard:
        await until(lambda: len(api.watches) == 1)
        api.bookmark()
        api.close_watches()
        await until(lambda: len(api.watched) == 2 and len(api.watches) == 1)
        assert api.watched[1]["resourceVersion"] == "12"
        api.put(slice_of("ads-2", endpoint("10.97.0.3")))
        await until(lambda: "10.97.0.3" in heard.addresses())
        assert heard.listings() == 1
        assert heard.kinds() == {Ending.CLOSED}
        assert not heard.stale


@pytest.mark.parametrize("as_event", [False, True], ids=["as a status", "as an event"])
async def test_410_lists_anew(api: ApiServerFake, config: Path, *, as_event: bool) -> None:
    """What went missing while the version was too old is in the new list; deletions too."""
    api.expired_as_event = as_event
    async with watching(config) as heard:
        await until(lambda: len(api.watches) == 1)
        watch = api.watches.pop()
        api.put(slice_of("ads-2", endpoint("10.97.0.9")))
        api.delete("ads-1")
        api.forget()
        api.watches.append(watch)
        api.close_watches()
        await until(lambda: heard.addresses() == {"10.97.0.9"})
        assert heard.listings() == 2
        assert Ending.EXPIRED in heard.kinds()
        await until(lambda: not heard.stale)


async def test_silence_is_found_and_the_list_is_kept(api: ApiServerFake, config: Path) -> None:
    """A watch that is only half open ends by its read limit; what is known stays, called stale."""
    async with watching(config, QUICK) as heard:
        await until(lambda: len(api.watches) == 1)
        api.hang = True
        await until(lambda: heard.stale)
        assert Ending.SILENT in heard.kinds()
        assert heard.addresses() == {"10.97.0.1", "10.97.0.2"}
        api.hang = False
        await until(lambda: not heard.stale)
        assert heard.listings() == 1


@pytest.mark.parametrize(
    "noise", [b"<html>gateway</html>\n", b'{"type": "MODIFIED", "object": {"metadata": {}}}\n', b"\xff\n"]
)  # fmt: skip
async def test_garbage_lists_anew_after_a_pause(
    api: ApiServerFake, config: Path, noise: bytes
) -> None:
    """What came before the garbage counts; a server that talks nothing else is not hammered."""
    async with watching(config) as heard:
        await until(lambda: len(api.watches) == 1)
        api.put(slice_of("ads-2", endpoint("10.97.0.3")))
        api.say(noise)
        await until(lambda: heard.listings() == 2)
        assert isinstance(heard.events[1], Put)
        assert Ending.GARBLED in heard.kinds()
        began_s = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < began_s + 1.0:
            api.say(noise)
            await asyncio.sleep(0.01)
        assert len(api.lists) <= 8, "the back-off holds"
        assert heard.addresses() == {"10.97.0.1", "10.97.0.2", "10.97.0.3"}


@pytest.mark.parametrize(
    ("status", "ending"),
    [(401, Ending.DENIED), (403, Ending.DENIED), (500, Ending.UNREACHABLE), (429, Ending.UNREACHABLE),
     (404, Ending.GARBLED), (302, Ending.GARBLED)],
)  # fmt: skip
async def test_an_answer_that_is_none_keeps_the_list(
    api: ApiServerFake, config: Path, status: int, ending: Ending
) -> None:
    """Stale while it lasts, tried again with growing pauses, current when it is over."""
    async with watching(config) as heard:
        await until(lambda: len(api.watches) == 1)
        api.status = status
        api.close_watches()
        await until(lambda: ending in heard.kinds())
        assert heard.stale
        assert heard.addresses() == {"10.97.0.1", "10.97.0.2"}
        api.put(slice_of("ads-1", endpoint("10.97.0.5")))
        api.status = 0
        await until(lambda: heard.addresses() == {"10.97.0.5"})
        await until(lambda: not heard.stale)


async def test_new_credentials_are_taken_without_a_restart(
    tmp_path: Path, certificates: Certificates, api: ApiServerFake, config: Path
) -> None:
    """The kubeconfig is read for each round: a rotated token is sent from the next one on."""
    api.status = 401
    async with watching(config) as heard:
        await until(lambda: Ending.DENIED in heard.kinds())
        assert "list and watch endpointslices" in heard.endings[0][1]
        kubeconfig(tmp_path, certificates, api.port, token="new")
        await until(lambda: "Bearer new" in api.tokens)
        api.status = 0
        await until(lambda: len(api.watches) == 1)
        assert heard.addresses()


async def test_a_dead_server_is_waited_for(
    tmp_path: Path, certificates: Certificates, api: ApiServerFake
) -> None:
    """Refused connections are unreachable; a kubeconfig that vanished is unusable; both are survived."""
    away = kubeconfig(tmp_path, certificates, 1)
    async with watching(away) as heard:
        await until(lambda: Ending.UNREACHABLE in heard.kinds())
        away.unlink()
        await until(lambda: Ending.UNUSABLE in heard.kinds())
        kubeconfig(tmp_path, certificates, api.port)
        await until(lambda: len(api.watches) == 1)
        assert heard.addresses()


async def test_a_server_of_another_authority_is_not_believed(
    tmp_path: Path, certificates: Certificates, api: ApiServerFake
) -> None:
    """Nothing is asked of it, so no credential reaches it."""
    path = kubeconfig(tmp_path, certificates, api.port)
    path.write_text(path.read_text().replace("ca.pem", "stranger.pem"))
    async with watching(path) as heard:
        await until(lambda: Ending.UNREACHABLE in heard.kinds())
        assert "ertificate" in heard.endings[0][1]
        assert api.asked == []


async def test_a_slow_list_is_cut(api: ApiServerFake, config: Path) -> None:
    """An API server that accepts and never answers is silent, not waited for for ever."""
    api.hang = True
    async with watching(config, QUICK) as heard:
        await until(lambda: Ending.SILENT in heard.kinds())
        api.hang = False
        await until(lambda: bool(heard.addresses()))
