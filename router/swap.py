"""The generation in force, and how a newer one takes its place: on SIGHUP, when a file changes, when asked.

A file that cannot be used keeps the old generation, says why and is counted.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable

import structlog

from contracts.settings import RouterSettings
from router.discovery_config import KubeconfigError, load_kubeconfig
from router.generation import ConfigError, Generation, load_generation

POLL_S = 0.5
"""How often the files are looked at."""

log = structlog.stdlib.get_logger()

Signature = tuple[tuple[int, int, int], ...]


class Swap:
    """Holds the current generation."""

    def __init__(self, settings: RouterSettings, first: Generation) -> None:
        self._settings = settings
        self._loaded = first
        self._current = first
        self._taken = self._signature()
        self._busy = asyncio.Lock()
        self.prepare: Callable[[Generation], Awaitable[None]] = _nothing_to_prepare
        self.fill: Callable[[Generation], Generation] = lambda loaded: loaded
        self.on_swap: Callable[[Generation], None] = lambda _new: None
        self.on_reject: Callable[[str], None] = lambda _why: None

    def current(self) -> Generation:
        """The generation in force."""
        return self._current

    def refill(self) -> Generation:
        """Put the loaded files in force with the endpoints found by now; no swap, and not counted as one."""
        self._current = self.fill(self._loaded)
        return self._current

    async def reload(self) -> str:
        """Re-read the configured files; empty when the new generation is in force, else why it is not."""
        async with self._busy:
            self._taken = self._signature()
            number = self._loaded.number + 1
            try:
                # Compiling takes a tenth of a second: not on the loop that answers requests.
                new = await asyncio.to_thread(load_files, self._settings, number)
            except ConfigError as error:
                log.error("router.config_rejected", why=str(error))  # noqa: TRY400 - the text says it all
                self.on_reject(str(error))
                return str(error)
            await self.prepare(new)
            self._loaded = new
            self.on_swap(self.refill())
            log.info("router.config_swapped", policy=new.policy.digest, generation=number)
            return ""

    async def watch(self) -> None:
        """Reload for ever when a file has changed and has then stood still for one look."""
        last = self._taken
        while True:
            await asyncio.sleep(POLL_S)
            seen = self._signature()
            if seen == last != self._taken:
                await self.reload()
            last = seen

    def _signature(self) -> Signature:
        return tuple(_stat(path) for path in (self._settings.policy, self._settings.topology))


def load_files(settings: RouterSettings, number: int) -> Generation:
    """The configured files compiled and self-tested, every kubeconfig they name usable. Raises `ConfigError`.

    Whether a cluster answers is not asked: one that is down must not keep the other from being served.
    """
    generation = load_generation(settings, number)
    sites = generation.topology.sites
    for reference in {it.kubeconfig for site in sites for it in site.kubernetes.values()}:
        try:
            load_kubeconfig(reference)
        except KubeconfigError as error:
            raise ConfigError(str(error)) from error
    return generation


async def _nothing_to_prepare(_new: Generation) -> None:
    """Stands where nothing has to be found before a swap."""


def _stat(path: str) -> tuple[int, int, int]:
    try:
        stat = os.stat(path)  # noqa: PTH116 - a path as text from the settings
    except OSError:
        return (0, 0, 0)
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
