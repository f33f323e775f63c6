"""Until when a certificate is valid, read from its DER: the one thing of X.509 that is needed here. Pure.

RFC 5280 4.1: Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serialNumber, signature, issuer,
validity SEQUENCE { notBefore, notAfter }, … }, … }. Nothing is verified: the API server does that.
"""

import base64
import binascii
import datetime as dt
import re

SEQUENCE, INTEGER, VERSION, UTC_TIME, GENERALIZED_TIME = 0x30, 0x02, 0xA0, 0x17, 0x18
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


class CertificateError(Exception):
    """The bytes are no certificate."""


def validity(pem: bytes) -> tuple[dt.datetime, dt.datetime]:
    """When the first certificate of a PEM begins and ends (aware, UTC). Raises `CertificateError`."""
    found = _PEM.search(pem)
    if found is None:
        raise CertificateError("no PEM certificate")
    try:
        der = base64.b64decode(b"".join(found[1].split()), validate=True)
    except binascii.Error as error:
        raise CertificateError("not base64") from error
    certificate, _ = _read(der, SEQUENCE)
    rest, _ = _read(certificate, SEQUENCE)
    if rest[:1] == bytes([VERSION]):
        _, rest = _read(rest, VERSION)
    _, rest = _read(rest, INTEGER)
    for _ in ("signature", "issuer"):
        _, rest = _read(rest, SEQUENCE)
    times, _ = _read(rest, SEQUENCE)
    begin, times = _time(times)
    end, _ = _time(times)
    return begin, end


def _read(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the value at the front, which must carry `tag`, and what follows it."""
    if len(data) < 2 or data[0] != tag:
        raise CertificateError("not the DER of a certificate")
    length, start = data[1], 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[2 : 2 + size]), 2 + size
    if start + length > len(data):
        raise CertificateError("cut short")
    return data[start : start + length], data[start + length :]


def _time(data: bytes) -> tuple[dt.datetime, bytes]:
    """A time in either of the two forms RFC 5280 allows, and what follows it."""
    tag = GENERALIZED_TIME if data[:1] == bytes([GENERALIZED_TIME]) else UTC_TIME
    content, rest = _read(data, tag)
    try:
        text = content.decode("ascii")
        if tag == UTC_TIME:
            # RFC 5280 4.1.2.5.1: two digits from 50 on are of the last century; Python draws the line at 69
            text = f"{'19' if text[:2] >= '50' else '20'}{text}"
        return dt.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC), rest
    except ValueError as error:
        raise CertificateError("a time cannot be read") from error
