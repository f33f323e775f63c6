"""Files of a cluster: whole or absent, private, gone with the last site."""

import os
import stat
from pathlib import Path

import pytest

from contracts.cluster import ClusterSpec, NodePool
from local.clusters_block import Block, Network
from local.clusters_state import ClusterFiles, Record
from runtime.locks import LockHeldError

POOL = NodePool(name="ads", nodes=3, runtime="kwok", traffic_class="public")
SPEC = ClusterSpec(environment="dev", site="public", pools=(POOL,))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def made(root: Path, site: str = "public") -> ClusterFiles:
    files = ClusterFiles(root, "dev", site)
    files.make()
    return files


def test_what_is_written_is_read_back_by_us_alone(tmp_path: Path) -> None:
    """Record and addresses round-trip; directories are 0700, files 0600."""
    files = made(tmp_path)
    record = Record(identifier="i", spec=SPEC, formed=True, slot=7)
    files.write_record(record)
    files.write_block(Block(base=100, id="1a2b"))
    assert files.read_record() == record
    assert files.read_block() == Block(base=100, id="1a2b")
    assert {mode(files.record_path), mode(files.network_path)} == {0o600}
    assert {mode(it) for it in (files.environment, files.site, files.agents, files.logs)} == {0o700}


@pytest.mark.parametrize("text", ["", "{", '{"base":97,"id":"1a2b"}', '{"base":96}'])
def test_a_file_that_does_not_read_is_none(tmp_path: Path, text: str) -> None:
    """A half-written or foreign one is as good as absent: apply makes it anew."""
    files = made(tmp_path)
    files.network_path.write_text(text)
    files.record_path.write_text(text)
    assert files.read_block() is None
    assert files.read_record() is None


def test_nothing_is_there_before_the_first_apply(tmp_path: Path) -> None:
    """Looking makes no directory."""
    files = ClusterFiles(tmp_path, "dev", "public")
    assert files.read_block() is None
    assert files.read_record() is None
    assert list(tmp_path.iterdir()) == []


def test_the_blocks_of_all_environments_of_a_checkout_are_known(tmp_path: Path) -> None:
    """Also of one that does not run: it comes back to its addresses."""
    made(tmp_path).write_block(Block(base=100, id="1a2b"))
    assert ClusterFiles(tmp_path, "other", "private").other_blocks() == (Network("10.100.0.0/14"),)


def test_the_environment_goes_with_its_last_site(tmp_path: Path) -> None:
    """The addresses stay while the other site uses them."""
    public, private = made(tmp_path), made(tmp_path, "private")
    public.write_block(Block(base=100, id="1a2b"))
    public.remove()
    assert private.read_block() is not None
    private.remove()
    assert not private.environment.exists()
    private.remove()


def test_one_at_a_time_changes_a_site(tmp_path: Path) -> None:
    """The second is told who holds it; the other site is free."""
    public, private = (
        ClusterFiles(tmp_path, "dev", "public"),
        ClusterFiles(tmp_path, "dev", "private"),
    )
    with public.site_lock():
        with private.site_lock(wait_s=0):
            pass
        again = ClusterFiles(tmp_path, "dev", "public")
        with (
            pytest.raises(LockHeldError, match=f"process {os.getpid()}"),
            again.site_lock(wait_s=0),
        ):
            pass
