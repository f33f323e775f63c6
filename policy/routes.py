"""Which route a request takes: the first whose host, method and path match."""

import re
from collections.abc import Callable

from policy.globs import host_glob, path_glob
from policy.model import Route


def find_route(routes: tuple[Route, ...]) -> Callable[[str, str, str], Route | None]:
    """A function of (host, method, path) that returns the first matching route.

    The host is as in the Host header; the path is decoded. Raises `GlobFault`.
    """
    compiled = [(route, _compile(route)) for route in routes]

    def find(host: str, method: str, path: str) -> Route | None:
        name = host_name(host)
        for route, matches in compiled:
            if matches(name, method, path):
                return route
        return None

    return find


def _compile(route: Route) -> Callable[[str, str, str], bool]:
    rule = route.match
    hosts = _any_of([host_glob(host) for host in rule.hosts if host != "*"])
    any_host = not rule.hosts or "*" in rule.hosts
    methods = frozenset(rule.methods)
    literal = frozenset(path for path in rule.paths if "*" not in path)
    paths = _any_of([path_glob(path) for path in rule.paths])

    def matches(host: str, method: str, path: str) -> bool:
        if methods and method not in methods:
            return False
        if path not in literal and paths.fullmatch(path) is None:
            return False
        return any_host or hosts.fullmatch(host) is not None

    return matches


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)", re.DOTALL)


def host_name(host: str) -> str:
    """The host without its port, in lower case and without a root dot."""
    name = host.lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].removesuffix(".")
