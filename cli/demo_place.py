"""The hybrid cloud a run is judged on: its two doors, and every place of it that knows a part of the run."""

import functools
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from contracts.cloud import CloudState

ROUTERS = ("core", "edge")
RELAYS = ("link.control", "tap.control")


ANSWER_S = 5.0


class FactError(Exception):
    """A place that should know a part of the run does not answer."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One cloud, whatever it is made of.

    `core` and `edge` are the doors (`host:port`); `mark` is the state directory whose mark the generator carries.
    `read_metrics` asks every router for its metrics page and raises `FactError`; `evidence` and `router_pids` are
    those of every router, `taps` the control sockets of every tap.
    `public` are the files and directories the public site writes to, `bridge_settings` a file for `sync`.
    `environment` is told to the reader of a report.
    """

    core: str
    edge: str
    mark: str
    read_metrics: Callable[[], list[str]]
    evidence: tuple[Path, ...]
    taps: tuple[Path, ...]
    router_pids: tuple[int, ...]
    public: tuple[Path, ...]
    ledger_dsn: str
    warehouse_dsn: str
    bridge_settings: Path
    ad_nodes: int
    environment: dict[str, str]

    def public_files(self) -> Iterator[Path]:
        """Every file a public process wrote: logs, evidence, a broker's data."""
        for path in self.public:
            if not path.is_dir():
                yield path
                continue
            yield from (
                it
                for it in sorted(path.rglob("*"))
                if it.is_file() and not it.is_symlink() and it.stat().st_size
            )


def embedded(state: CloudState) -> Place:
    """The cloud of Tier 0."""
    endpoints, root = state.endpoints, Path(state.root)
    logs = tuple(Path(it.log) for it in state.processes if it.site == "public")
    return Place(
        core=endpoints["core"],
        edge=endpoints["edge"],
        mark=state.root,
        read_metrics=functools.partial(
            pages, tuple(endpoints[f"{router}.probe"] for router in ROUTERS)
        ),
        evidence=tuple(Path(endpoints[f"{router}.evidence"]) for router in ROUTERS),
        taps=tuple(Path(endpoints[relay]) for relay in RELAYS),
        router_pids=tuple(it.pid for it in state.processes if it.role == "router"),
        public=(*logs, Path(endpoints["edge.evidence"]), root / "kafka-public"),
        ledger_dsn=endpoints["ledger.dsn"],
        warehouse_dsn=endpoints["warehouse.dsn"],
        bridge_settings=root / "settings" / "bridge.json",
        ad_nodes=sum(it.role == "ads" and it.site == "public" for it in state.processes),
        environment={"policy": state.policy},
    )


def pages(probes: tuple[str, ...]) -> list[str]:
    """The metrics pages at these addresses. Raises `FactError`."""
    return [_page(f"http://{probe}/metrics") for probe in probes]


def _page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310 - ours, http
            return answer.read().decode()
    except (OSError, urllib.error.URLError) as error:
        raise FactError(f"{url}: {error}; expected a running router") from error
