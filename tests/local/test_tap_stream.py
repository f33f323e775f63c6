"""The tap sees a canary however the bytes are cut and wrapped."""

import gzip
import random
import zlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.tap import Canary
from local.tap_match import Matcher
from local.tap_stream import INFLATED_BYTES_MAX, Dechunker, ScanError, Stream

PHONE = "1990047" + "".join(random.Random(1).choices("0123456789", k=4))
EMAIL = "canary-" + "".join(random.Random(2).choices("abcdefghij", k=8)) + "@shop.example"
MATCHER = Matcher(
    Canary(id=number, detector="any", place="json", value=value, form_hex=value.encode().hex())
    for number, value in enumerate((PHONE, EMAIL), 1)
)
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def wide(text: str) -> bytes:
    return text.translate(FULL_WIDTH).encode()


def seen(*segments: bytes, matcher: Matcher = MATCHER) -> dict[int, str]:
    hits: dict[int, str] = {}
    stream = Stream(matcher, found=hits.setdefault, beacon=set[bytes]().add)
    for segment in segments:
        stream.feed(segment)
    return hits


def chunked(data: bytes, size: int) -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def request(body: bytes, *headers: str) -> bytes:
    lines = ["POST /clicks HTTP/1.1", "Host: shop", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


BODY = f'{{"note":"call {PHONE}"}}'.encode()

WIRE: dict[str, bytes] = {
    "raw": request(BODY),
    "percent": request(b"note=" + "".join(f"%{ord(c):02X}" for c in PHONE).encode()),
    "percent twice": request(quote("".join(f"%{ord(c):02x}" for c in PHONE)).encode()),
    "json": request("".join(f"\\u{ord(c):04x}" for c in PHONE).encode()),
    "full width": request(wide(PHONE)),
    "full width, percent": request(quote(wide(PHONE)).encode()),
    "full width, json": request("".join(f"\\u{ord(c) + 0xFEE0:04X}" for c in PHONE).encode()),
    "separators": request(f"{PHONE[:3]}-{PHONE[3:7]} {PHONE[7:]}".encode()),
    "full-width separators": request(wide(f"{PHONE[:3]}-{PHONE[3:]}")),
    "form plus": request(f"note={PHONE[:3]}+{PHONE[3:]}".encode()),
    "chunked": request(chunked(BODY, 3), "Transfer-Encoding: chunked"),
    "chunked by one": request(chunked(BODY, 1), "transfer-encoding: Chunked"),
    "gzip": request(gzip.compress(BODY), "Content-Encoding: gzip"),
    "gzip unannounced": request(gzip.compress(BODY)),
    "gzip in gzip": request(gzip.compress(gzip.compress(BODY))),
    "deflate": request(zlib.compress(BODY), "Content-Encoding: deflate"),
    "raw deflate": request(zlib.compress(BODY, wbits=-15), "Content-Encoding: deflate"),
    "chunked gzip": request(
        chunked(gzip.compress(BODY), 2), "Transfer-Encoding: chunked", "Content-Encoding: gzip"
    ),
    "chunked deflate": request(
        chunked(zlib.compress(BODY), 5), "Content-Encoding: deflate", "Transfer-Encoding: chunked"
    ),
    "gzip, percent": request(gzip.compress(b"n=" + quote(wide(PHONE)).encode())),
}


@pytest.mark.parametrize("wire", WIRE.values(), ids=WIRE.keys())
def test_every_view_shows_it_in_one_piece(wire: bytes) -> None:
    """A canary is seen in each way it can be written."""
    assert seen(wire).keys() == {1}


@pytest.mark.parametrize("wire", WIRE.values(), ids=WIRE.keys())
def test_a_cut_at_any_byte_hides_nothing(wire: bytes) -> None:
    """Two segments, cut at every byte."""
    for cut in range(1, len(wire)):
        assert seen(wire[:cut], wire[cut:]).keys() == {1}, cut


@pytest.mark.parametrize("wire", WIRE.values(), ids=WIRE.keys())
def test_byte_by_byte_hides_nothing(wire: bytes) -> None:
    """Every byte in a segment of its own."""
    assert seen(*(wire[at : at + 1] for at in range(len(wire)))).keys() == {1}


def test_mail_address_with_percent_sign() -> None:
    """An address whose @ is escaped is seen."""
    assert seen(request(EMAIL.replace("@", "%40").encode())) == {2: "percent"}


def test_exact_planted_form_is_seen_though_no_view_decodes_it() -> None:
    """A form that decodes to nothing we know is found as planted."""
    form = bytes(random.Random(3).randbytes(40))
    canary = Canary(id=9, detector="any", place="json", value=PHONE, form_hex=form.hex())
    assert seen(b"x" * 2000 + form[:17], form[17:], matcher=Matcher([canary])) == {9: "raw"}


def test_next_request_on_the_connection_is_seen_after_a_compressed_one() -> None:
    """An ended body does not swallow what follows."""
    first = request(chunked(gzip.compress(b"clean"), 4), "Transfer-Encoding: chunked")
    assert seen(first, request(BODY)) == {1: "raw"}


@given(st.binary(max_size=4000), st.integers(1, 700))
def test_clean_bytes_show_nothing(data: bytes, size: int) -> None:
    """Arbitrary bytes, magic numbers included, are no hit and no error."""
    data = b"\x1f\x8b\x08" + data.replace(b"canary", b"")
    assert seen(*(data[at : at + size] for at in range(0, len(data), size))) == {}


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [b"\r\n", b"\r\n\r\n", b"transfer-encoding: chunked", b"5\r\n", b"0\r\n\r\n", b"%E", b"\\u00"]
            ),
            st.binary(max_size=20),
        )
    )
)  # fmt: skip
def test_noise_before_it_hides_nothing(noise: list[bytes]) -> None:
    """Whatever came before on the connection, the plain value is seen."""
    assert 1 in seen(*noise, b"\x00" + PHONE.encode() + b"\x00")


def test_a_bomb_is_an_error_not_a_silence() -> None:
    """Inflating beyond the bound raises."""
    bomb = gzip.compress(bytes(INFLATED_BYTES_MAX + 1), 9)
    with pytest.raises(ScanError):
        seen(bomb)


@pytest.mark.parametrize(
    "encoding", ["br", "zstd", "gzip, br", "br, gzip", "compress", "x-compress"]
)
def test_a_body_that_cannot_be_undone_is_an_error_not_a_silence(encoding: str) -> None:
    """Once, wherever the head is cut; what else is on the connection is still searched."""
    wire = request(b"\x0b\x02\x80", f"Content-Encoding: {encoding}") + request(BODY)
    for cut in range(1, len(wire)):
        hits: dict[int, str] = {}
        stream, errors = Stream(MATCHER, found=hits.setdefault, beacon=set[bytes]().add), 0
        for part in (wire[:cut], wire[cut:]):
            try:
                stream.feed(part)
            except ScanError:
                errors += 1
        assert (errors, hits) == (1, {1: "raw"}), cut


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity", "brown", "x-br"])
def test_other_encodings_are_no_error(encoding: str) -> None:
    """Those that are undone, and words that only look like those that are not."""
    seen(request(b"clean", f"Content-Encoding: {encoding}"))


def test_beacons_are_seen_across_segments() -> None:
    """A beacon is reported whole wherever the cut falls."""
    name = b"b-" + bytes(random.Random(4).choices(b"abcdefghijklmnopqrstuvwxyz", k=24))
    wire = b"Isthmus-Beacon: " + name + b"\r\n"
    for cut in range(1, len(wire)):
        found: set[bytes] = set()
        stream = Stream(MATCHER, found=lambda canary, view: None, beacon=found.add)
        stream.feed(wire[:cut])
        stream.feed(wire[cut:])
        assert found == {name}


@given(st.binary(min_size=1, max_size=200), st.integers(1, 30), st.integers(1, 20))
def test_dechunker_gives_the_payload_back(data: bytes, size: int, segment: int) -> None:
    """Any payload, chunk size and segmentation."""
    wire = chunked(data, size)
    reader = Dechunker()
    parts = [reader.feed(wire[at : at + segment]) for at in range(0, len(wire), segment)]
    assert b"".join(parts) == data
    assert reader.done
