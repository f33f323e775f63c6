"""Lists and watch lines of the API: read as promised, refused when they are something else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.discovery import Gone, Point, Port, Put, Slice
from router.discovery_wire import (
    LINE_BYTES_MAX,
    GarbledError,
    Lines,
    News,
    Refused,
    decode_line,
    decode_page,
)

SLICE = {
    "kind": "EndpointSlice",
    "metadata": {"name": "ads-1", "resourceVersion": "12", "labels": {"any": "thing"}},
    "addressType": "IPv4",
    "endpoints": [
        {
            "addresses": ["10.97.0.1", "10.97.0.2"],
            "conditions": {"ready": True},
            "targetRef": {"kind": "Pod", "name": "ads-x", "uid": "u1"},
            "nodeName": "n1",
            "zone": "a",
        }
    ],
    "ports": [
        {"name": "http", "port": 8080, "protocol": "TCP"},
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "any"},
    ],
}


def event(kind: str, thing: object) -> bytes:
    return json.dumps({"type": kind, "object": thing}).encode()


def test_a_list_is_read_with_its_version_and_its_next_page() -> None:
    """The first address of an endpoint stands for it; UDP and numberless ports are none of ours."""
    body = json.dumps(
        {"kind": "EndpointSliceList", "metadata": {"resourceVersion": "9", "continue": "t"}, "items": [SLICE]}
    ).encode()  # fmt: skip
    page = decode_page(body)
    assert (page.version, page.more) == ("9", "t")
    point = Point("10.97.0.1", usable=True, node="ads-x", owner="u1", zone="a")
    assert page.slices == (Slice("ads-1", (point,), (Port("http", 8080),)),)


def test_an_empty_cluster_is_an_empty_list() -> None:
    """The API writes null for no items."""
    body = b'{"kind": "EndpointSliceList", "metadata": {"resourceVersion": "9"}, "items": null}'
    assert decode_page(body).slices == ()


@pytest.mark.parametrize(
    ("conditions", "usable"),
    [
        ({"ready": True}, True),
        ({"ready": False}, False),
        ({}, True),
        ({"ready": None}, True),
        ({"ready": True, "terminating": True}, False),
        ({"ready": False, "terminating": True, "serving": True}, False),
        ({"ready": True, "terminating": False, "serving": True}, True),
    ],
)
def test_ready_and_not_terminating_is_usable(conditions: object, usable: bool) -> None:  # noqa: FBT001
    """Absent means ready, as the API says; serving while terminating is not enough."""
    thing = SLICE | {"endpoints": [{"addresses": ["10.97.0.1"], "conditions": conditions}]}
    news = decode_line(event("MODIFIED", thing))
    assert isinstance(news, News)
    assert isinstance(news.event, Put)
    assert [point.usable for point in news.event.slice.points] == [usable]


def test_each_kind_of_event_is_read() -> None:
    """Added, modified, deleted, bookmark, error."""
    added = decode_line(event("ADDED", SLICE))
    assert isinstance(added, News)
    assert isinstance(added.event, Put)
    assert added.version == "12"
    assert decode_line(event("DELETED", SLICE)) == News(Gone("ads-1"), "12")
    mark = event("BOOKMARK", {"kind": "EndpointSlice", "metadata": {"resourceVersion": "40"}})
    assert decode_line(mark) == News(None, "40")
    assert decode_line(event("ERROR", {"kind": "Status", "code": 410})) == Refused(410)


@pytest.mark.parametrize(
    "line",
    [
        b"<html>504 Gateway Time-out</html>",
        b"{}",
        b"null",
        b"\xff\xfe",
        b'{"type": "RENAMED", "object": {}}',
        event("ADDED", {"metadata": {"resourceVersion": "1"}}),
        event("ADDED", {"metadata": {"name": "a"}}),
        event("ADDED", {"metadata": {"name": "a", "resourceVersion": "1"}, "endpoints": [{}]}),
        event("ADDED", "text"),
        event("BOOKMARK", {"metadata": {}}),
        event("ERROR", []),
    ],
)
def test_what_is_no_event_is_garbled(line: bytes) -> None:
    """A defect of the way is named, never guessed at."""
    with pytest.raises(GarbledError, match="expected"):
        decode_line(line)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"kind": "PodList", "metadata": {"resourceVersion": "1"}}',
             b'{"kind": "EndpointSliceList", "metadata": {}}'],
)  # fmt: skip
def test_what_is_no_list_is_garbled(body: bytes) -> None:
    """Another kind, no version, no JSON."""
    with pytest.raises(GarbledError, match="expected"):
        decode_page(body)


@given(noise=st.binary(max_size=200))
def test_noise_is_garbled_and_nothing_worse(noise: bytes) -> None:
    """Whatever comes, the one error that the watch handles."""
    for decode in (decode_line, decode_page):
        with pytest.raises(GarbledError):
            decode(noise)


@given(
    parts=st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")), max_size=8),
    cuts=st.lists(st.integers(0, 200), max_size=6),
)
def test_lines_do_not_depend_on_how_they_are_cut(parts: list[bytes], cuts: list[int]) -> None:
    """Any segmentation gives the same lines; blank ones are keep-alives."""
    data = b"".join(part + b"\n" for part in parts)
    lines, got, last = Lines(), list[bytes](), 0
    for cut in sorted(min(cut, len(data)) for cut in cuts):
        got += lines.feed(data[last:cut])
        last = cut
    got += lines.feed(data[last:])
    assert got == [part for part in parts if part.strip()]


def test_a_line_without_an_end_is_no_watch() -> None:
    """Memory is bounded."""
    lines = Lines()
    lines.feed(b"x" * LINE_BYTES_MAX)
    with pytest.raises(GarbledError, match="without an end of line"):
        lines.feed(b"x")
