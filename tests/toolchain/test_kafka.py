"""Fetching the broker's jars: pinned, verified, resumable, and quiet when all is there."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from toolchain import kafka
from toolchain.kafka import FetchError, Jar, Lock, LockError, fetch_kafka, parse_lock, read_lock

NAMES = ("kafka_2.13", "kafka-clients", "slf4j-api")


def content(artifact: str) -> bytes:
    return f"jar of {artifact}".encode() * 100


def jar(artifact: str) -> Jar:
    return Jar(
        group="org.example",
        artifact=artifact,
        version="1.0",
        sha256=hashlib.sha256(content(artifact)).hexdigest(),
    )


LOCK = Lock(jars=tuple(jar(name) for name in NAMES), version="1.0", digest="d" * 64)


class Shop:
    """A source that counts what is asked of it and can be made to sell something else."""

    def __init__(
        self, change: Callable[[str, int, bytes], bytes] = lambda _a, _n, data: data
    ) -> None:
        self.asked: list[str] = []
        self._change = change

    def __call__(self, wanted: Jar, scratch: Path) -> Path:
        self.asked.append(wanted.artifact)
        times = self.asked.count(wanted.artifact)
        path = scratch / "download"
        path.write_bytes(self._change(wanted.artifact, times, content(wanted.artifact)))
        return path


def test_every_jar_arrives_and_a_second_run_does_nothing(tmp_path: Path) -> None:
    """All jars lie in one directory named by version and digest; nothing else stays."""
    shop, said = Shop(), list[str]()
    home = fetch_kafka(tmp_path, lock=LOCK, source=shop, progress=said.append)
    assert home.name == "kafka-1.0-dddddddddddd"
    assert {path.name for path in home.iterdir()} == {f"{name}-1.0.jar" for name in NAMES}
    assert sorted(shop.asked) == sorted(NAMES)
    assert said
    said.clear()
    assert fetch_kafka(tmp_path, lock=LOCK, source=shop, progress=said.append) == home
    assert sorted(shop.asked) == sorted(NAMES)
    assert said == []


def test_another_file_under_the_name_fails_loudly(tmp_path: Path) -> None:
    """A wrong digest names coordinate, both digests and what to do; nothing of it is kept."""
    forged = Shop(lambda artifact, _n, data: b"forged" if artifact == "slf4j-api" else data)
    with pytest.raises(FetchError, match=r"org.example:slf4j-api:1.0: SHA-256 is .*expected"):
        fetch_kafka(tmp_path, lock=LOCK, source=forged)
    home = tmp_path / LOCK.directory_name
    assert not (home / "slf4j-api-1.0.jar").exists()
    assert all(path.suffix == ".jar" for path in home.iterdir())


def test_a_download_cut_short_is_tried_once_more(tmp_path: Path) -> None:
    """Half a file the first time is no reason to give up."""
    shop = Shop(lambda _a, times, data: data[:10] if times == 1 else data)
    home = fetch_kafka(tmp_path, lock=LOCK, source=shop)
    assert len(list(home.glob("*.jar"))) == len(NAMES)


def test_a_broken_fetch_resumes(tmp_path: Path) -> None:
    """What was verified before the failure is not asked for again; a damaged jar is."""

    def fail(artifact: str, _n: int, data: bytes) -> bytes:
        if artifact == "slf4j-api":
            raise ConnectionError("line is down")
        return data

    with pytest.raises(FetchError, match=r"line is down.*fix"):
        fetch_kafka(tmp_path, lock=LOCK, source=Shop(fail))
    home = tmp_path / LOCK.directory_name
    for name in NAMES[:2]:
        (home / f"{name}-1.0.jar").write_bytes(content(name))
    (home / "kafka-clients-1.0.jar").write_bytes(b"damaged")
    shop = Shop()
    fetch_kafka(tmp_path, lock=LOCK, source=shop)
    assert sorted(shop.asked) == ["kafka-clients", "slf4j-api"]


def test_scratch_of_a_killed_fetch_goes(tmp_path: Path) -> None:
    """A directory named for a process that is gone is removed."""
    stale = tmp_path / LOCK.directory_name / "fetch-4194999"
    stale.mkdir(parents=True)
    fetch_kafka(tmp_path, lock=LOCK, source=Shop())
    assert not stale.exists()


def test_the_users_maven_cache_is_used_but_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right file there is taken as it is; a wrong one is not even copied."""
    monkeypatch.setenv("M2_REPO", str(tmp_path))
    cached = tmp_path / jar("slf4j-api").repository_path
    cached.parent.mkdir(parents=True)
    cached.write_bytes(content("slf4j-api"))
    assert kafka.from_maven(jar("slf4j-api"), tmp_path / "scratch") == cached
    cached.write_bytes(b"spoilt")
    assert not kafka.is_right(cached, jar("slf4j-api"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("org.apache.kafka:kafka_2.13:4.3.0", "kafka.lock:1"),
        ("# note\norg.apache.kafka:kafka_2.13 " + "0" * 64, "kafka.lock:2"),
        ("org.apache.kafka:kafka_2.13:4.3.0 abcd", "kafka.lock:1"),
        ("org.apache.kafka:kafka_2.13:4.3.0 " + "x" * 64, "kafka.lock:1"),
        ("org.slf4j:slf4j-api:1 " + "0" * 64, "kafka_2.13"),
        ("", "kafka_2.13"),
    ],
)
def test_a_bad_lock_names_the_line(text: str, place: str) -> None:
    """Every malformed line is refused with its number."""
    with pytest.raises(LockError, match=place):
        parse_lock(text)


def test_the_lock_of_this_checkout_is_of_one_version() -> None:
    """Broker, clients and the rest of Kafka come from the same release; no jar stands twice."""
    lock = read_lock()
    versions = {it.version for it in lock.jars if it.group == "org.apache.kafka"}
    assert versions == {lock.version}
    assert len({it.file_name for it in lock.jars}) == len(lock.jars)


def test_the_machine_s_own_certificates_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable set by the user stays; without one, the system's store is named."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/mine")
    kafka.trust_system_certificates()
    assert os.environ["REQUESTS_CA_BUNDLE"] == "/mine"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.setattr(
        kafka.ssl, "get_default_verify_paths",
        lambda: SimpleNamespace(cafile=None, capath="/system/certs"),
    )  # fmt: skip
    kafka.trust_system_certificates()
    assert os.environ["REQUESTS_CA_BUNDLE"] == "/system/certs"
