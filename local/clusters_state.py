"""What is on disk about the clusters of an environment, and the locks under which it changes.

`.isthmus/clusters/ENV/` (0700): `network.json`, and per site `cluster.json`, `kubeconfig`, `kwok/`, `agents/`,
`logs/`. What the API server knows (nodes, their networks) is not written a second time.
"""

import contextlib
import shutil
from collections.abc import Generator
from pathlib import Path

import msgspec

from contracts.base import Contract
from contracts.cluster import ClusterSpec, Site
from local.clusters_block import BASES, Block, Network, SiteNetwork
from local.state import write_whole
from runtime.locks import file_lock

SITE_WAIT_S = 120.0
"""An apply from nothing takes ten seconds; one that waits for another waits for a few of those."""
NETWORK_WAIT_S = 30.0


DATABASES = Path("/var/lib")
"""PostgreSQL refuses to be root, and nobody else may pass through a checkout of root's: its files are here."""


def database_home(net: SiteNetwork) -> Path:
    """Where a site's database lives, found from the name of its namespace alone."""
    return DATABASES / net.namespace


class Record(Contract, frozen=True, kw_only=True):
    """`cluster.json`: `formed` once its API server was ready; `slot` is the node network drawn last.

    One that was never formed holds nothing and is made anew; a formed one is only ever started again.
    """

    identifier: str
    spec: ClusterSpec
    formed: bool = False
    slot: int = 0


class ClusterFiles:
    """The files of one site of one environment (`root` is the checkout)."""

    def __init__(self, root: Path, environment: str, site: Site) -> None:
        self.home = root.resolve() / ".isthmus"
        self.checkout = root.resolve()
        self.all = self.home / "clusters"
        self.environment = self.all / environment
        self.site = self.environment / site
        self.network_path = self.environment / "network.json"
        self.record_path = self.site / "cluster.json"
        self.kubeconfig = self.site / "kubeconfig"
        self.kwok = self.site / "kwok"
        self.agents = self.site / "agents"
        self.logs = self.site / "logs"
        self._locks = (self.all / f".{environment}-{site}.lock", self.all / f".{environment}.lock")

    @property
    def mark(self) -> str:
        """What every process of this cluster carries in its environment."""
        return str(self.site)

    def make(self) -> None:
        """The directories."""
        for path in (self.home, self.all, self.environment, self.site, self.agents, self.logs):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextlib.contextmanager
    def site_lock(self, *, wait_s: float = SITE_WAIT_S) -> Generator[None]:
        """Held by the one process that changes this cluster. Raises `LockHeldError`."""
        with self._lock(self._locks[0], wait_s):
            yield

    @contextlib.contextmanager
    def network_lock(self) -> Generator[None]:
        """Held while addresses or the site link of the environment change. Raises `LockHeldError`."""
        with self._lock(self._locks[1], NETWORK_WAIT_S):
            yield

    @contextlib.contextmanager
    def _lock(self, path: Path, wait_s: float) -> Generator[None]:
        self.all.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file_lock(path, wait_s=wait_s):
            yield

    def read_block(self) -> Block | None:
        """The addresses, or None."""
        return _read_block(self.network_path)

    def write_block(self, block: Block) -> None:
        """Write the addresses down."""
        write_whole(self.network_path, msgspec.json.format(msgspec.json.encode(block)))

    def other_blocks(self) -> tuple[Network, ...]:
        """The blocks of this checkout's other environments, whether they run or not."""
        found = (_read_block(path) for path in self.all.glob("*/network.json"))
        return tuple(Network(f"10.{it.base}.0.0/14") for it in found if it)

    def read_record(self) -> Record | None:
        """The record, or None while there is none that reads."""
        try:
            return msgspec.json.decode(self.record_path.read_bytes(), type=Record)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def write_record(self, record: Record) -> None:
        """Replace the record."""
        write_whole(self.record_path, msgspec.json.format(msgspec.json.encode(record)))

    def remove(self) -> None:
        """All of this site; the environment's directory too once no site is left in it. Raises `OSError`."""
        if self.site.exists():
            shutil.rmtree(self.site)
        with contextlib.suppress(FileNotFoundError):
            if not any(it.is_dir() for it in self.environment.iterdir()):
                shutil.rmtree(self.environment)


def _read_block(path: Path) -> Block | None:
    try:
        block = msgspec.json.decode(path.read_bytes(), type=Block)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None
    return block if block.base in BASES else None
