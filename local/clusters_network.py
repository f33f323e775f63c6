"""The network of a site as it is on this machine, made what it should be, and taken away again; all by `ip`."""

import contextlib
import fcntl
import ipaddress
import os
import re
import subprocess
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec

from contracts.cluster import Site
from local.clusters_block import Block, Network, other
from local.clusters_facts import ROOT, SITE_LINK, Fact, missing, steps

NAMES = Path("/run/netns")
DYING_S_MAX = 5.0
"""A namespace that was removed lets go of its interfaces a little later: until then their names are taken."""
POLL_S = 0.05
COMMAND_S_MAX = 30.0
"""Each takes milliseconds; taking an interface down may wait for others that do so."""


class NetworkError(Exception):
    """A network command failed: which one, what it said, fix."""


class _Address(msgspec.Struct, frozen=True):
    family: str = ""
    local: str = ""
    prefixlen: int = 0


class _Interface(msgspec.Struct, frozen=True):
    ifname: str = ""
    flags: tuple[str, ...] = ()
    addr_info: tuple[_Address, ...] = ()


class _Route(msgspec.Struct, frozen=True):
    dst: str = ""
    gateway: str = ""
    type: str = ""


class _Rule(msgspec.Struct, frozen=True):
    priority: int = 0
    table: str = ""
    action: str = ""


@contextlib.contextmanager
def drawing() -> Generator[None]:
    """One process of this machine at a time draws addresses: nobody else sees a block half taken."""
    # the directory itself is locked: a file made for it would stay behind
    descriptor = os.open("/run", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def inside(namespace: str, *command: str) -> tuple[str, ...]:
    """The command line that runs `command` in a network namespace.

    Not `ip netns exec`: that mounts /sys anew and hides the control groups.
    """
    return ("nsenter", f"--net={NAMES / namespace}", *command)


def namespaces(pattern: str) -> tuple[str, ...]:
    """Network namespaces whose whole name matches."""
    with contextlib.suppress(FileNotFoundError):
        return tuple(sorted(it.name for it in NAMES.iterdir() if re.fullmatch(pattern, it.name)))
    return ()


def exists(namespace: str) -> bool:
    """Whether the namespace is there and whole: a name whose mount is gone is not."""
    return (NAMES / namespace).exists() and _is_namespace(namespace)


def _is_namespace(namespace: str) -> bool:
    # ip netns add makes a plain file and mounts the namespace over it: killed in between, the file stays
    with contextlib.suppress(OSError):
        return (NAMES / namespace).stat().st_dev != NAMES.stat().st_dev
    return False


def networks_in_use() -> tuple[Network, ...]:
    """Every IPv4 network this machine's root namespace has an address in or a route to, but the default route."""
    routes = msgspec.json.decode(
        _show(ROOT, "route", "show", "table", "all"), type=tuple[_Route, ...]
    )
    found = [it.dst for it in routes if it.dst not in {"", "default"}]
    found += [f"{it.local}/{it.prefixlen}" for one in _interfaces(ROOT) for it in _v4(one)]
    return tuple(_networks(found))


def _networks(texts: list[str]) -> Iterator[Network]:
    for text in texts:
        with contextlib.suppress(ValueError):
            yield ipaddress.IPv4Network(text, strict=False)


def make(block: Block, site: Site) -> None:
    """Make this site's network whole, and the site link if the other site is there. Raises `NetworkError`."""
    net, peer = block.site(site), block.site(other(site))
    if not exists(net.namespace):
        (NAMES / net.namespace).unlink(missing_ok=True)
    deadline = time.monotonic() + DYING_S_MAX
    while True:
        try:
            return _complete(block, site, peer_exists=exists(peer.namespace))
        except NetworkError:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)


def _complete(block: Block, site: Site, *, peer_exists: bool) -> None:
    seen = [ROOT, block.site(site).namespace]
    if peer_exists:
        seen.append(block.site(other(site)).namespace)
        _drop_one_sided_link(seen[1:])
    holds = frozenset(fact for namespace in seen for fact in observe(namespace))
    for command in missing(steps(block, site, peer_exists=peer_exists), holds):
        _run(*command)


def _drop_one_sided_link(sites: list[str]) -> None:
    """Remove an end of the site link whose other end was in a namespace that is going."""
    ends = [it for it in sites if Fact("link", it, SITE_LINK) in observe(it)]
    if len(ends) == 1:
        with contextlib.suppress(NetworkError):  # it went by itself meanwhile
            _run("ip", "-n", ends[0], "link", "del", SITE_LINK)


def observe(namespace: str) -> frozenset[Fact]:
    """The facts that hold in one namespace; none when it does not exist."""
    if namespace and not exists(namespace):
        return frozenset()
    return frozenset(_facts(namespace))


def _facts(namespace: str) -> Iterator[Fact]:
    for interface in _interfaces(namespace):
        yield Fact("link", namespace, interface.ifname)
        if "UP" in interface.flags:
            yield Fact("up", namespace, interface.ifname)
        for it in _v4(interface):
            yield Fact("address", namespace, interface.ifname, f"{it.local}/{it.prefixlen}")
    for route in msgspec.json.decode(_show(namespace, "route"), type=tuple[_Route, ...]):
        yield Fact("route", namespace, route.dst, route.gateway)
    if not namespace:
        return
    yield Fact("namespace", namespace)
    rules = msgspec.json.decode(_show(namespace, "rule"), type=tuple[_Rule, ...])
    for rule in rules:
        yield Fact("rule", namespace, rule.action or rule.table, str(rule.priority))
    if not any((it.priority, it.table) == (0, "local") for it in rules):
        yield Fact("no rule", namespace, "local", "0")
    forward = _run(*inside(namespace, "cat", "/proc/sys/net/ipv4/ip_forward"))
    if forward.strip() == b"1":
        yield Fact("forward", namespace)


def _v4(interface: _Interface) -> Iterator[_Address]:
    return (it for it in interface.addr_info if it.family == "inet")


def _interfaces(namespace: str) -> tuple[_Interface, ...]:
    return msgspec.json.decode(_show(namespace, "address"), type=tuple[_Interface, ...])


def _show(namespace: str, *what: str) -> bytes:
    where = ("-n", namespace) if namespace else ()
    return _run("ip", "-j", *where, *what)


def addresses(namespace: str) -> tuple[str, ...]:
    """The IPv4 addresses inside, loopback left out; none when the namespace is going."""
    with contextlib.suppress(NetworkError):
        return tuple(
            it.local for one in _interfaces(namespace) for it in _v4(one) if one.ifname != "lo"
        )
    return ()


def processes_in(namespace: str) -> tuple[int, ...]:
    """The pids of every process inside; what is gone already is not there."""
    try:
        said = _run("ip", "netns", "pids", namespace)
    except NetworkError:
        return ()
    return tuple(int(line) for line in said.split())


def remove(namespace: str) -> None:
    """Remove a namespace and with it every interface in it and their other ends. Raises `NetworkError`."""
    if not (NAMES / namespace).exists():
        return
    if _is_namespace(namespace):
        _run("ip", "netns", "del", namespace)
    (NAMES / namespace).unlink(missing_ok=True)


def remove_interface(name: str) -> None:
    """Remove an interface of the root namespace, and its routes with it; none is nothing."""
    if any(it.ifname == name for it in _interfaces(ROOT)):
        with contextlib.suppress(
            NetworkError
        ):  # its namespace was being taken away: it goes with that
            _run("ip", "link", "del", name)


def _run(*command: str) -> bytes:
    try:
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_S_MAX
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise NetworkError(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise NetworkError(
            f"{' '.join(command)}: {said or f'ended with {done.returncode}'}; expected it to succeed. "
            "fix: see ip netns and ip link; apply again completes what is half made, delete takes it away"
        )
    return done.stdout
