"""Bodies as text: inflated within bounds, or unreadable."""

import gzip
import io
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.bodies import INFLATED_BYTES_MAX, body_text
from policy.views import Unreadable

TEXT = '{"note":"双十一"}'.encode()
JSON = "application/json"


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def obstacle(data: bytes, *, media: str) -> str:
    try:
        body_text(data, content_encoding="", content_type=media)
    except Unreadable as unreadable:
        return unreadable.why
    return ""


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("", TEXT), ("identity", TEXT), ("gzip", gzip.compress(TEXT)), ("X-GZIP", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)), ("deflate", raw_deflate(TEXT)),
        (" gzip ", gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:])),
    ],
)  # fmt: skip
def test_known_encodings_are_undone(encoding: str, data: bytes) -> None:
    """Gzip with any number of members, and deflate with or without its wrapper."""
    assert body_text(data, content_encoding=encoding, content_type=JSON) == TEXT


@pytest.mark.parametrize(
    ("encoding", "data", "why"),
    [
        ("br", b"x", "content_encoding"), ("zstd", b"x", "content_encoding"),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT)), "content_encoding"),
        ("gzip", TEXT, "broken"), ("gzip", gzip.compress(TEXT)[:-9], "broken"),
        ("gzip", gzip.compress(TEXT) + b"19900470000", "broken"),
        ("deflate", zlib.compress(TEXT) + b"x", "broken"), ("gzip", b"", "broken"),
        ("gzip", gzip.compress(gzip.compress(TEXT)), "nul"), ("", gzip.compress(TEXT), "nul"),
        ("gzip", gzip.compress(b"a" * (INFLATED_BYTES_MAX + 1)), "inflated"),
        ("gzip", gzip.compress(b"a" * 500_000), "inflated"),
        ("", "１".encode("gbk"), "charset"), ("", "12".encode("utf-16-le"), "nul"),
        ("", "12".encode("utf-16"), "nul"), ("", b"\x00", "nul"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(encoding: str, data: bytes, why: str) -> None:
    """Every obstacle has its name."""
    with pytest.raises(Unreadable) as caught:
        body_text(data, content_encoding=encoding, content_type=JSON)
    assert caught.value.why == why


@pytest.mark.parametrize("charset", ["gbk", "UTF-16", '"gb18030"', "iso-8859-1", "utf-7"])
def test_other_charsets_are_unreadable(charset: str) -> None:
    """A declared charset is believed when it is not UTF-8."""
    with pytest.raises(Unreadable):
        body_text(b"1", content_encoding="", content_type=f"text/plain; Charset={charset}")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "us-ascii", "utf8"])
def test_utf8_by_any_name_is_read(charset: str) -> None:
    """Case and quotes do not matter."""
    assert (
        body_text(b"1", content_encoding="", content_type=f"text/plain; charset={charset}") == b"1"
    )


@pytest.mark.parametrize(
    ("part", "readable"),
    [
        (b"Content-Transfer-Encoding: 7bit", True), (b"content-transfer-encoding:  binary", True),
        (b"Content-Transfer-Encoding: base64", False),
        (b"Content-Transfer-Encoding:quoted-printable", False),
        (b'Content-Type: text/plain; charset="utf-8"', True),
        (b"Content-Type: text/plain; charset = GBK", False),
        (b"Content-Type: text/plain; charset='gbk'", False),
    ],
)  # fmt: skip
def test_multipart_parts_may_not_be_encoded_on_their_own(part: bytes, *, readable: bool) -> None:
    """A part in base64 or another charset is a body inside the body."""
    data = b"--x\r\n" + part + b"\r\n\r\nhello\r\n--x--\r\n"
    assert obstacle(data, media="multipart/form-data; boundary=x") == (
        "" if readable else "multipart"
    )


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "gzip", "deflate", "br", "\x00"]),
    st.sampled_from(["", JSON, "multipart/mixed", "text/plain; charset=x"]),
)
def test_any_body_is_text_or_unreadable(data: bytes, encoding: str, media: str) -> None:
    """No bytes under any header raise anything else."""
    try:
        body_text(data, content_encoding=encoding, content_type=media)
    except Unreadable:
        return


def test_text_that_deflates_well_is_still_read() -> None:
    """The ratio bound does not hit honest repetition: a large uniform log inflates 20 to 60 times."""
    rng = random.Random(1)
    text = b"".join(b'{"ad":"ad-%d","n":%d}\n' % (rng.randrange(20), n) for n in range(30_000))
    assert body_text(gzip.compress(text), content_encoding="gzip", content_type=JSON) == text


@pytest.mark.parametrize("name", ["report.csv", "a"])
def test_a_gzip_member_that_carries_a_name_is_not_read(name: str) -> None:
    """The name stands in the head, where inflating does not show it, and could be anybody's number."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename=name, fileobj=buffer, mode="wb") as member:
        member.write(TEXT)
    with pytest.raises(Unreadable) as caught:
        body_text(buffer.getvalue(), content_encoding="gzip", content_type=JSON)
    assert caught.value.why == "content_encoding"
