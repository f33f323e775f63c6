"""This machine's network as `ip` tells it; nothing here needs root."""

import ipaddress
import shutil
from pathlib import Path

import pytest

from local import clusters_network
from local.clusters_facts import ROOT, Fact
from local.clusters_network import (
    NetworkError,
    addresses,
    drawing,
    exists,
    inside,
    namespaces,
    networks_in_use,
    observe,
    processes_in,
    remove,
    remove_interface,
)

pytestmark = pytest.mark.skipif(shutil.which("ip") is None, reason="no ip command (iproute2)")
ABSENT = "is0000-none"


def test_the_root_namespace_is_seen_as_it_is() -> None:
    """Loopback is there, up, with its address, and its network counts as taken."""
    holds = observe(ROOT)
    assert Fact("link", ROOT, "lo") in holds
    assert Fact("up", ROOT, "lo") in holds
    assert Fact("address", ROOT, "lo", "127.0.0.1/8") in holds
    assert ipaddress.IPv4Network("127.0.0.0/8") in networks_in_use()
    assert not [it for it in networks_in_use() if it.prefixlen == 0]


def test_what_does_not_exist_has_no_facts_and_is_gone_already() -> None:
    """Looking at it and removing it are no errors."""
    assert not exists(ABSENT)
    assert observe(ABSENT) == frozenset()
    assert (addresses(ABSENT), processes_in(ABSENT)) == ((), ())
    remove(ABSENT)
    remove_interface("ism0000x")


def test_a_name_without_its_mount_is_no_namespace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever was killed between file and mount left a plain file: it is removed, not entered."""
    monkeypatch.setattr(clusters_network, "NAMES", tmp_path)
    (tmp_path / "is1a2b-pub").touch()
    assert namespaces("is1a2b-.*") == ("is1a2b-pub",)
    assert not exists("is1a2b-pub")
    remove("is1a2b-pub")
    assert namespaces(".*") == ()


def test_a_command_that_fails_says_which_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The command line, what it said, the fix."""
    fake = tmp_path / "ip"
    fake.write_text("#!/bin/sh\necho 'RTNETLINK answers: Busy' >&2\nexit 2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NetworkError, match=r"ip -j address: RTNETLINK answers: Busy.*fix: "):
        observe(ROOT)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NetworkError, match="ip -j address"):
        observe(ROOT)


def test_the_drawing_lock_leaves_no_file() -> None:
    """It is taken and given back, again and again."""
    before = set(Path("/run").iterdir())
    for _ in range(2):
        with drawing():
            pass
    assert set(Path("/run").iterdir()) - before == set()


def test_commands_enter_only_the_network() -> None:
    """Control groups stay visible inside."""
    assert inside("n", "true") == ("nsenter", "--net=/run/netns/n", "true")
