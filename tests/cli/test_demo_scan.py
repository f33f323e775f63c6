"""Searching what the public site keeps."""

import gzip
from pathlib import Path

import pytest

from cli.demo_scan import ScanError, canaries_at_rest, public_files
from contracts.cloud import CloudState, ProcessRecord
from contracts.tap import Canary

VALUE = "1990047" + "0815"
CANARY = Canary(
    id=7, detector="cn-mobile", place="query", value=VALUE, form_hex=VALUE.encode().hex()
)


def record(name: str, site: str, log: Path) -> ProcessRecord:
    return ProcessRecord(
        name=name, role="ads", site=site, pid=1, start_ticks=1, argv=(), environ={}, cwd="/",
        log=str(log), ready="",
    )  # fmt: skip


@pytest.fixture
def state(tmp_path: Path) -> CloudState:
    for folder in ("kafka-public", "evidence-edge", "logs"):
        (tmp_path / folder).mkdir()
    logs = {site: tmp_path / "logs" / f"{site}.log" for site in ("public", "private")}
    for log in logs.values():
        log.write_text("nothing\n")
    return CloudState(
        id="x", root=str(tmp_path), temporary="", owner_pid=1, owner_start_ticks=1, keep=False,
        policy="", topology="", endpoints={"edge.evidence": str(tmp_path / "evidence-edge")},
        processes=tuple(record(site, site, log) for site, log in logs.items()),
    )  # fmt: skip


def test_a_clean_site_has_none(state: CloudState) -> None:
    """No canary in any file: an empty set."""
    assert canaries_at_rest(state, [CANARY]) == frozenset()


@pytest.mark.parametrize(
    "place", ["kafka-public/a/00.log", "evidence-edge/e.log", "logs/public.log"]
)
def test_a_canary_on_a_public_disk_is_found(state: CloudState, place: str) -> None:
    """Broker data, router evidence and process logs are all searched."""
    path = Path(state.root, place)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * 5000 + VALUE.encode() + b"y" * 5000)
    assert canaries_at_rest(state, [CANARY]) == frozenset({7})


def test_a_compressed_canary_is_found(state: CloudState) -> None:
    """Gzip inside a file is looked into."""
    Path(state.root, "kafka-public", "z").write_bytes(gzip.compress(f"n={VALUE}".encode()))
    assert canaries_at_rest(state, [CANARY]) == frozenset({7})


def test_a_private_log_may_hold_it(state: CloudState) -> None:
    """Only public processes' files are searched."""
    Path(state.root, "logs", "private.log").write_text(VALUE)
    assert canaries_at_rest(state, [CANARY]) == frozenset()
    assert all("private" not in path.name for path in public_files(state))


def test_a_file_that_cannot_be_read_ends_the_search(state: CloudState) -> None:
    """A search with a hole proves nothing, so it is an error that names the file."""
    log = Path(state.root, "logs", "public.log")
    log.unlink()
    log.mkdir()
    with pytest.raises(ScanError, match=r"public\.log"):
        canaries_at_rest(state, [CANARY])
