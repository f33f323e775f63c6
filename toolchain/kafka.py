"""Which jars make a Kafka broker, and are they here: fetch by pinned coordinate, keep only by SHA-256.

Coordinates and digests stand in `kafka.lock`; nothing is resolved at run time, because a resolver may pick
another kafka-clients than the broker was built with (seen: it then dies with NoSuchMethodError).
"""

import hashlib
import os
import shutil
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import msgspec
from jgo.config import GlobalSettings
from jgo.maven import MavenContext

LOCK = Path(__file__).with_name("kafka.lock")
FETCH_THREADS = 8
"""Downloads at once; 8 saturate an ordinary line and stay polite to the server."""
DOWNLOAD_TIMEOUT_S = 60
ATTEMPTS = 2
"""A download cut short shows as a wrong digest; it gets one more try before it is called wrong."""


class LockError(Exception):
    """`kafka.lock` does not read as `group:artifact:version sha256` lines."""


class FetchError(Exception):
    """A jar could not be had, or is not the pinned one."""


class Jar(msgspec.Struct, frozen=True, kw_only=True):
    """One pinned jar; `sha256` in lower-case hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The jar's name in a Maven repository and in the engine's directory."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def coordinate(self) -> str:
        """`group:artifact:version`."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def repository_path(self) -> Path:
        """Where a Maven repository keeps it."""
        return Path(*self.group.split("."), self.artifact, self.version, self.file_name)


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed lock; `digest` is the SHA-256 of its bytes, `version` that of the broker."""

    jars: tuple[Jar, ...]
    version: str
    digest: str

    @property
    def directory_name(self) -> str:
        """`kafka-VERSION-DIGEST`: another lock never reuses a directory."""
        return f"kafka-{self.version}-{self.digest[:12]}"


Source = Callable[[Jar, Path], Path]
"""Bring one jar into (or leave it outside of) the scratch directory and say where it is."""
Progress = Callable[[str], None]


def parse_lock(text: str) -> Lock:
    """Read a lock file's text. Raises `LockError` with the line."""
    jars: list[Jar] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            coordinate, sha256 = line.split()
            group, artifact, version = coordinate.split(":")
            valid = len(bytes.fromhex(sha256)) == hashlib.sha256().digest_size
        except ValueError:
            valid, group, artifact, version, sha256 = False, "", "", "", ""
        if not valid:
            raise LockError(f"kafka.lock:{number}: expected 'group:artifact:version sha256'")
        jars.append(Jar(group=group, artifact=artifact, version=version, sha256=sha256.lower()))
    broker = next((jar for jar in jars if jar.artifact.startswith("kafka_2.")), None)
    if broker is None:
        raise LockError("kafka.lock: expected a line for org.apache.kafka:kafka_2.13")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Lock(jars=tuple(jars), version=broker.version, digest=digest)


def read_lock(path: Path = LOCK) -> Lock:
    """The lock of this checkout."""
    return parse_lock(path.read_text())


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_kafka(
    engines: Path,
    *,
    lock: Lock | None = None,
    source: Source | None = None,
    progress: Progress = lambda _text: None,
) -> Path:
    """Make `engines/kafka-VERSION-DIGEST/` hold every pinned jar and return it.

    Jars that are there and right are left alone, so a broken fetch resumes and a second one does nothing.
    Each jar appears under its name only once verified. Raises `FetchError` when one cannot be had or differs.
    """
    lock = lock or read_lock()
    home = engines / lock.directory_name
    missing = [jar for jar in lock.jars if not is_right(home / jar.file_name, jar)]
    if not missing:
        return home
    home.mkdir(parents=True, exist_ok=True)
    remove_stale_scratch(home)
    scratch = home / f"fetch-{os.getpid()}"
    scratch.mkdir(exist_ok=True)
    progress(f"fetching Kafka {lock.version}: {len(missing)} jars")
    try:
        fetch_all(missing, home=home, scratch=scratch, source=source or from_maven)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return home


def fetch_all(jars: Iterable[Jar], *, home: Path, scratch: Path, source: Source) -> None:
    """Fetch `jars` side by side; the first failure stops what has not begun."""
    with ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="fetch") as pool:
        futures = [
            pool.submit(fetch_jar, jar, home=home, scratch=scratch, source=source) for jar in jars
        ]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def fetch_jar(jar: Jar, *, home: Path, scratch: Path, source: Source) -> None:
    """Bring one jar, verify it, move it into place."""
    seen = ""
    for attempt in range(ATTEMPTS):
        own = scratch / f"{jar.file_name}.{attempt}"
        own.mkdir()
        try:
            found = source(jar, own)
        except Exception as error:
            raise FetchError(
                f"{jar.coordinate}: cannot be fetched: {error}; "
                "fix: check the network (or the repositories jgo is set to) and run the command again"
            ) from error
        seen = sha256_of(found)
        if seen == jar.sha256:
            copy = own / "verified.jar"
            shutil.copyfile(found, copy)
            copy.replace(home / jar.file_name)
            return
    raise FetchError(
        f"{jar.coordinate}: SHA-256 is {seen}, expected {jar.sha256} (toolchain/kafka.lock); nothing was kept. "
        "fix: find out who serves another file under this name before trusting it"
    )


def from_maven(jar: Jar, scratch: Path) -> Path:
    """The jar from the user's Maven cache if the right one lies there, else downloaded into `scratch`.

    jgo writes downloads in place, so its cache is `scratch`: a broken one never spoils the user's.
    """
    user_cache = Path(os.environ.get("M2_REPO", Path.home() / ".m2" / "repository"))
    cached = user_cache / jar.repository_path
    if is_right(cached, jar):
        return cached
    trust_system_certificates()
    context = MavenContext(
        repo_cache=scratch,
        remote_repos=GlobalSettings.load().repositories or None,
        timeout=DOWNLOAD_TIMEOUT_S,
    )
    return context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()


def trust_system_certificates() -> None:
    """Let jgo's HTTP library trust what this machine trusts: a company's own mirror is known there only.

    It has a list of its own and no other switch than this variable; one that is set already is kept.
    """
    paths = ssl.get_default_verify_paths()
    if trusted := paths.cafile or paths.capath:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", trusted)


def is_right(path: Path, jar: Jar) -> bool:
    """Whether `path` is the pinned jar."""
    try:
        return sha256_of(path) == jar.sha256
    except OSError:
        return False


def remove_stale_scratch(home: Path) -> None:
    """Remove scratch directories of fetches that were killed."""
    for scratch in home.glob("fetch-*"):
        if not Path("/proc", scratch.name.removeprefix("fetch-")).exists():
            shutil.rmtree(scratch, ignore_errors=True)
