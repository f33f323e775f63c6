"""Cuts of the site link: the text, and (as root, with nftables) that packets really stop and come back."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from local.site_faults import (
    FaultError,
    cut_link,
    cut_ruleset,
    heal_link,
    heal_ruleset,
    load,
    tracking_ruleset,
)

rooted = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("nft") is None,
    reason="network namespaces need root and nftables",
)


@pytest.mark.parametrize(
    ("cut", "hooks"),
    [("both", {"prerouting", "postrouting"}), ("inbound", {"prerouting"}),
     ("outbound", {"postrouting"}), ("new-inbound", {"forward", "input"}),
     ("new-outbound", {"forward", "output"})],
)  # fmt: skip
def test_a_cut_drops_only_what_it_says(cut, hooks) -> None:
    """Each direction has its hook; only `new-…` asks conntrack."""
    text = cut_ruleset(cut)
    assert {line.split()[1] for line in text.splitlines() if line.startswith("  chain")} == hooks
    assert ("ct state new" in text) == cut.startswith("new")
    assert text.count("drop") == len(hooks)
    assert "policy accept" in text


def test_a_namespace_that_is_not_there_is_named() -> None:
    """With the fix."""
    with pytest.raises(FaultError, match="isthmus-nowhere"):
        load("isthmus-nowhere", heal_ruleset())


def run(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def two_sites() -> Iterator[tuple[str, str]]:
    """Two namespaces joined by `site`, .1 and .2."""
    one, two = f"istest{os.getpid()}a", f"istest{os.getpid()}b"
    try:
        for name in (one, two):
            assert run("ip", "netns", "add", name)
        assert run(
            "ip", "-n", one, "link", "add", "site", "type", "veth", "peer", "name", "site",
            "netns", two,
        )  # fmt: skip
        for name, address in ((one, "10.96.1.1/30"), (two, "10.96.1.2/30")):
            assert run("ip", "-n", name, "address", "add", address, "dev", "site")
            assert run("ip", "-n", name, "link", "set", "site", "up")
        yield one, two
    finally:
        for name in (one, two):
            run("ip", "netns", "delete", name)


def answers(namespace: str, address: str) -> bool:
    """Whether a TCP connection is refused (it arrived) rather than lost."""
    code = (
        "import socket,sys\n"
        "s=socket.socket(); s.settimeout(0.3)\n"
        "try: s.connect((sys.argv[1], 9))\n"
        "except ConnectionRefusedError: sys.exit(0)\n"
        "except OSError: sys.exit(1)\n"
    )
    return run(
        "nsenter", f"--net=/run/netns/{namespace}", shutil.which("python3") or "python3", "-I", "-c",
        code, address,
    )  # fmt: skip


@rooted
def test_packets_stop_and_come_back() -> None:
    """Each cut on a real link: who cannot reach whom, then the heal."""
    with two_sites() as (one, two):
        load(one, tracking_ruleset())
        assert answers(one, "10.96.1.2")
        for cut, out, back in (
            ("both", False, False), ("inbound", False, False),
            ("outbound", False, False), ("new-inbound", True, False),
            ("new-outbound", False, True),
        ):  # fmt: skip
            cut_link(one, cut)
            assert (answers(one, "10.96.1.2"), answers(two, "10.96.1.1")) == (out, back), cut
        heal_link(one)
        heal_link(one)
        assert answers(one, "10.96.1.2")
        assert answers(two, "10.96.1.1")
