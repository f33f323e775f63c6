"""One request per workload through the router: whether it is reached, not only ready. Asked in a thread of its own."""

import threading
from collections.abc import Iterable, Mapping

import urllib3
from urllib3.exceptions import HTTPError

EVERY_S = 5.0
GOOD = range(200, 300)


class Canaries:
    """URLs by workload; those that were asked for last are tried."""

    def __init__(self, urls: Mapping[str, str], *, timeout_s: float) -> None:
        self._urls, self._timeout_s = dict(urls), timeout_s
        self._pool = urllib3.PoolManager(maxsize=2, retries=False)
        self._failing: dict[str, str] = {}

    def failing(self, keys: Iterable[str]) -> dict[str, str]:
        """The workloads of these whose last request failed, and why."""
        known = self._failing
        return {key: known[key] for key in keys if key in known}

    def try_all(self) -> None:
        """One request for each."""
        found: dict[str, str] = {}
        for key, url in self._urls.items():
            said = self._try(url)
            if said:
                found[key] = said
        self._failing = found

    def _try(self, url: str) -> str:
        try:
            answer = self._pool.request("GET", url, timeout=self._timeout_s, redirect=False)
        except (HTTPError, OSError) as error:
            return f"{url}: {type(error).__name__}; expected an answer through the router"
        return "" if answer.status in GOOD else f"{url}: answered {answer.status}; expected 2xx"

    def run(self, stop: threading.Event) -> None:
        """Try until `stop`."""
        while self._urls and not stop.is_set():
            self.try_all()
            stop.wait(EVERY_S)
        self._pool.clear()
