"""Searching what the public site keeps."""

import gzip
from pathlib import Path

import pytest

from cli.demo_place import Place
from cli.demo_scan import ScanError, canaries_at_rest
from contracts.tap import Canary
from tests.cli.places import place

VALUE = "1990047" + "0815"
CANARY = Canary(
    id=7, detector="cn-mobile", place="query", value=VALUE, form_hex=VALUE.encode().hex()
)


@pytest.fixture
def site(tmp_path: Path) -> Place:
    for folder in ("kafka-public", "evidence-edge", "logs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "logs" / "public.log").write_text("nothing\n")
    (tmp_path / "empty.log").touch()
    return place(
        public=(
            tmp_path / "logs" / "public.log", tmp_path / "empty.log", tmp_path / "kafka-public",
            tmp_path / "evidence-edge",
        )
    )  # fmt: skip


def test_a_clean_site_has_none(site: Place) -> None:
    """No canary in any file: an empty set."""
    assert canaries_at_rest(site, [CANARY]) == frozenset()


@pytest.mark.parametrize(
    "where", ["kafka-public/a/00.log", "evidence-edge/e.log", "logs/public.log"]
)
def test_a_canary_on_a_public_disk_is_found(site: Place, tmp_path: Path, where: str) -> None:
    """Broker data, router evidence and process logs are all searched."""
    path = tmp_path / where
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * 5000 + VALUE.encode() + b"y" * 5000)
    assert canaries_at_rest(site, [CANARY]) == frozenset({7})


def test_a_compressed_canary_is_found(site: Place, tmp_path: Path) -> None:
    """Gzip inside a file is looked into."""
    (tmp_path / "kafka-public" / "z").write_bytes(gzip.compress(f"n={VALUE}".encode()))
    assert canaries_at_rest(site, [CANARY]) == frozenset({7})


def test_a_private_log_may_hold_it(site: Place, tmp_path: Path) -> None:
    """Only public processes' files are searched."""
    (tmp_path / "logs" / "private.log").write_text(VALUE)
    assert canaries_at_rest(site, [CANARY]) == frozenset()


def test_a_file_that_cannot_be_read_ends_the_search(site: Place, tmp_path: Path) -> None:
    """A search with a hole proves nothing, so it is an error that names the file."""
    log = tmp_path / "logs" / "public.log"
    log.unlink()
    log.symlink_to(log)
    with pytest.raises(ScanError, match=r"public\.log"):
        canaries_at_rest(site, [CANARY])
