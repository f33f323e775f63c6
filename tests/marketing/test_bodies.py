"""Twin of marketing/bodies.py."""

import gzip
import json
import urllib.parse
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing.bodies import FORM_FIELDS_MAX, decode_body, inflate
from marketing.problems import ProblemError

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class Thing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    at_ms: int
    note: str = ""


@given(st.binary(max_size=4096))
def test_inflate_undoes_gzip(data: bytes) -> None:
    """What was compressed comes back."""
    assert inflate(gzip.compress(data), 4096) == data


@given(st.binary(max_size=300), st.integers(0, 299))
def test_inflate_refuses_more_than_the_bound(data: bytes, bytes_max: int) -> None:
    """Output beyond the bound is 413, within it is whole."""
    packed = gzip.compress(data)
    if len(data) <= bytes_max:
        assert inflate(packed, bytes_max) == data
    else:
        with pytest.raises(ProblemError) as refused:
            inflate(packed, bytes_max)
        assert refused.value.status == 413


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"plain",
        gzip.compress(b"cut")[:-3],
        gzip.compress(b"one") + gzip.compress(b"two"),
        gzip.compress(b"tail") + b"tail",
        zlib.compress(b"zlib, not gzip"),
    ],
)
def test_inflate_refuses_what_is_not_one_member(packed: bytes) -> None:
    """Cut, doubled, trailing or foreign streams are 400."""
    with pytest.raises(ProblemError) as refused:
        inflate(packed, 1024)
    assert refused.value.status == 400


@given(st.text(max_size=40), st.integers(-(2**53), 2**53), st.text(max_size=40))
def test_json_and_form_say_the_same(name: str, at_ms: int, note: str) -> None:
    """The two media types decode to the same struct."""
    fields = {"name": name, "at_ms": at_ms, "note": note}
    by_json = decode_body(JSON, json.dumps(fields).encode(), Thing)
    by_form = decode_body(FORM, urllib.parse.urlencode(fields).encode(), Thing)
    assert by_json == by_form == Thing(name=name, at_ms=at_ms, note=note)


@pytest.mark.parametrize(
    ("content_type", "body", "status", "where"),
    [
        (JSON, b"{", 400, "body:"),
        (JSON, b"[]", 400, "body:"),
        (JSON, b'{"name":1,"at_ms":2}', 400, "name:"),
        (JSON, b'{"name":"a"}', 400, "at_ms:"),
        (JSON, b'{"name":"a","at_ms":1,"SECRET":2}', 400, "body:"),
        (JSON, b'{"name":"\xff","at_ms":1}', 400, "body:"),
        (FORM, b"name=a&at_ms=SECRET", 400, "at_ms:"),
        (FORM, b"name=a&name=b&at_ms=1", 400, "body:"),
        (FORM, b"name", 400, "body:"),
        (FORM, b"name=%ff&at_ms=1", 400, "body:"),
        (FORM, b"&".join([b"a=1"] * (FORM_FIELDS_MAX + 1)), 400, "body:"),
        ("text/plain", b"name=a", 415, "Content-Type:"),
    ],
)
def test_a_refusal_names_the_field_and_no_value(
    content_type: str, body: bytes, status: int, where: str
) -> None:
    """The detail starts with our own field's name and repeats nothing the client sent."""
    with pytest.raises(ProblemError) as refused:
        decode_body(content_type, body, Thing)
    assert refused.value.status == status
    assert refused.value.detail.startswith(where)
    assert "SECRET" not in refused.value.detail
