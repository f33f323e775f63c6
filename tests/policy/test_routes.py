"""First match wins."""

import pytest

from policy.model import Route, RouteMatch, Sensitivity
from policy.routes import find_route, host_name


def route(name: str, *, hosts: tuple[str, ...] = ("*",), methods: tuple[str, ...] = (),
          paths: tuple[str, ...] = ("/**",)) -> Route:  # fmt: skip
    return Route(
        id=name, match=RouteMatch(hosts=hosts, methods=methods, paths=paths),
        sensitivity=Sensitivity.PUBLIC, service=name,
    )  # fmt: skip


FIND = find_route(
    (
        route("get", hosts=("shop.example",), methods=("GET",), paths=("/ads",)),
        route("host", hosts=("*.example",)),
        route("post", methods=("POST", "PUT")),
    )
)


@pytest.mark.parametrize(
    ("host", "method", "path", "found"),
    [
        ("shop.example", "GET", "/ads", "get"), ("SHOP.example:8080", "GET", "/ads", "get"),
        ("shop.example.", "GET", "/ads", "get"), ("shop.example", "HEAD", "/ads", "host"),
        ("a.example", "GET", "/x", "host"), ("b.c.example", "GET", "/x", None),
        ("elsewhere", "POST", "/x", "post"), ("elsewhere", "GET", "/ads", None),
        ("", "PUT", "/x", "post"), ("shop.example", "get", "/ads", "host"),
    ],
)  # fmt: skip
def test_the_first_route_that_matches_wins(
    host: str, method: str, path: str, found: str | None
) -> None:
    """Host, method and path must all match; order decides between two."""
    taken = FIND(host, method, path)
    assert (None if taken is None else taken.id) == found


@pytest.mark.parametrize(
    ("host", "name"),
    [("A.b:80", "a.b"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("x.", "x"), ("", "")],
)
def test_host_names_lose_port_case_and_root_dot(host: str, name: str) -> None:
    """Three ways to write one host."""
    assert host_name(host) == name
