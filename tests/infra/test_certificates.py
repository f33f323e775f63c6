"""A certificate's validity, as written in either form of time; what is none is refused, never guessed at."""

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.certificates import CertificateError, validity
from tests.infra.certs import certificate

moments = st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2199, 12, 31)).map(  # noqa: DTZ001 - made aware below
    lambda it: it.replace(microsecond=0, tzinfo=dt.UTC)
)


@given(moments, moments)
def test_both_ends_are_read_in_either_form(one: dt.datetime, other: dt.datetime) -> None:
    """Two digits of the year up to 2049, four from then on."""
    begin, end = sorted((one, other))
    assert validity(certificate(begin, end)) == (begin, end)
    assert validity(b"# comment\n" + certificate(begin, end) + certificate(end, end))[1] == end


@given(st.data())
def test_a_damaged_certificate_is_an_error_and_not_a_date(data: st.DataObject) -> None:
    """Cut anywhere, or with a byte changed: an error of its own kind or a well-formed answer, nothing else."""
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    pem = bytearray(certificate(at, at))
    place = data.draw(st.integers(28, 200))
    pem[place] = data.draw(st.integers(0, 255))
    for found in (bytes(pem), bytes(pem[: data.draw(st.integers(0, len(pem)))])):
        with contextlib.suppress(CertificateError):
            begin, end = validity(found)
            assert begin.tzinfo is end.tzinfo is dt.UTC


@pytest.mark.parametrize(
    "pem",
    [b"", b"CA", b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----"],
)  # fmt: skip
def test_what_is_no_certificate_is_refused(pem: bytes) -> None:
    """Empty, not PEM, an empty sequence, not base64."""
    with pytest.raises(CertificateError):
        validity(pem)
